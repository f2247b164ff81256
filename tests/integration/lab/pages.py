"""What a cardholder does on the ACS's pages, whoever began the transaction."""
import json
import time

from sim import messages


class Cardholder:
    """browser, and page: the one in front. SETTLE: seconds that the processing page may take."""

    SETTLE = 15

    def press(self, button="submit", **fields):
        self.page = self.browser.submit(button=button, **fields)
        return self.page

    def settle(self):
        """Stay on the processing page until it gives way to another."""
        end = time.monotonic() + self.SETTLE
        while self.page.refresh and not self.page.forms:
            assert time.monotonic() < end, "the processing page does not end"
            time.sleep(self.page.refresh[0])
            self.page = self.browser.open(self.page.refresh[1])
        return self.page

    def carried(self):
        """The form to the notificationURL, and the CRes or Erro in it."""
        form = self.page.form(with_field="cres")
        return form, json.loads(messages.unb64url(form.values()["cres"]))
