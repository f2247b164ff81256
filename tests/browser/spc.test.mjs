// Secure payment confirmation within the challenge frame: the browser's own dialogue, with a virtual authenticator.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { challenge, code, enter, inbox, lab, launch, pay, result } from './browser.mjs';

let browser, context, page, cdp, sent;

const post = (path, body) => fetch(lab.control + path, { method: 'POST', body: JSON.stringify(body) });

// A credential of this device for payments, as it is made at the bank beforehand.
async function enrol() {
  await page.goto(lab.shop + '/');
  const made = await page.evaluate(async () => {
    const url = (b) => btoa(String.fromCharCode(...new Uint8Array(b))).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
    const c = await navigator.credentials.create({ publicKey: {
      rp: { id: 'localhost', name: 'Example Bank' }, user: { id: new Uint8Array([1, 2, 3]), name: 'person', displayName: 'Person' },
      challenge: new Uint8Array(32), pubKeyCredParams: [{ type: 'public-key', alg: -7 }],
      authenticatorSelection: { userVerification: 'required', residentKey: 'required', authenticatorAttachment: 'platform' },
      extensions: { payment: { isPayment: true } } } });
    return { id: c.id, publicKey: url(c.response.getPublicKey()) };
  });
  await card([made]);
}

// What the issuer's system knows of the card.
const card = (credentials) => post('/answer', { point: 'card', answer: { status: 'active',
  cardholder: { language: 'en', phone: '+491700001239' }, rpId: 'localhost', credentials } });

const dialogue = (mode) => cdp.send('Page.setSPCTransactionMode', { mode });

// Chromium has it on Linux, too, but leaves it off there.
before(async () => { browser = await launch(['--enable-features=SecurePaymentConfirmationBrowser']); });
after(async () => { await browser.close(); });
beforeEach(async () => {
  context = await browser.newContext();
  page = await context.newPage();
  cdp = await context.newCDPSession(page);
  await cdp.send('WebAuthn.enable');
  await cdp.send('WebAuthn.addVirtualAuthenticator', { options: { protocol: 'ctap2', transport: 'internal', hasResidentKey: true,
    hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true } });
  sent = (await inbox()).length;
});
afterEach(async () => { await context.close(); });

for (const view of ['frame', 'redirect', 'raw-frame']) {
  test(`confirmed by the device, ${view}`, async () => {
    await enrol();
    await dialogue('autoAccept');
    await pay(page, lab.confirm, { view, window: '01' });
    const where = challenge(page, view);
    await where.locator('#confirm').waitFor();
    const over = await where.locator('html').evaluate((e) => e.scrollWidth - e.clientWidth);
    assert.ok(over <= 0, `${over} px too wide`); // CB-005
    await where.locator('#confirm').click();
    const r = await result(page);
    assert.equal(r.transStatus, 'Y');
    assert.equal(r.messageVersion, '2.3.1');
    assert.equal(r.interactionCounter, '01');
    assert.equal((await inbox()).length, sent);
  });
}

test('refused at the device, then a code', async () => {
  await enrol();
  await dialogue('autoReject');
  await pay(page, lab.confirm);
  const where = challenge(page);
  await where.locator('#confirm').click();
  await where.getByText('This device has not confirmed the payment').waitFor();
  await where.locator('#other').click();
  await enter(where, await code(sent));
  assert.equal((await result(page)).transStatus, 'Y');
});

test('a browser that cannot: a code at once', async () => {
  await page.addInitScript(() => { delete window.PaymentRequest; });
  await card([{ id: 'AAECAwQFBgcICQoLDA0ODw', publicKey: 'AAAA' }]);
  await pay(page, lab.confirm);
  await enter(challenge(page), await code(sent));
  assert.equal((await result(page)).transStatus, 'Y');
});

test('a frame that may not: a code at once', async () => {
  await page.route('**/pay', async (route) => {
    const answer = await route.fetch({ maxRedirects: 0 });
    await route.fulfill({ response: answer, body: (await answer.text()).replace(/ allow="[^"]*"/, ' allow="payment \'none\'"') });
  });
  await card([{ id: 'AAECAwQFBgcICQoLDA0ODw', publicKey: 'AAAA' }]);
  await pay(page, lab.confirm);
  await enter(challenge(page), await code(sent));
  assert.equal((await result(page)).transStatus, 'Y');
});

test('without JavaScript: a code by the other button', async () => {
  await context.close();
  context = await browser.newContext({ javaScriptEnabled: false });
  page = await context.newPage();
  await card([{ id: 'AAECAwQFBgcICQoLDA0ODw', publicKey: 'AAAA' }]);
  await pay(page, lab.confirm, { view: 'redirect' });
  await page.locator('button').first().click();
  await page.locator('noscript p').waitFor();
  await page.locator('button[value=other]').click();
  await page.locator('input[name=otp]').fill(await code(sent));
  await page.locator('button[value=submit]').click();
  await page.locator('button').first().click();
  await page.locator('a#go, a[href*="/return"]').first().waitFor();
});
