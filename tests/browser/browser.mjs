// Debian's chromium, driven by playwright-core, and the steps of a payment in the shop.
import { chromium } from 'playwright-core';

export const lab = JSON.parse(process.env.LAB);

// Without the background features chromium calls hosts that do not exist here.
const QUIET = ['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
  '--disable-features=LocalNetworkAccessChecks']; // a page that a test makes up comes from no address; ours are local

export async function launch(more = []) {
  const root = process.getuid && process.getuid() === 0;
  return chromium.launch({ executablePath: '/usr/bin/chromium', headless: true,
    args: [...(root ? ['--no-sandbox'] : []), ...QUIET, ...more] });
}

// The shop's checkout: card, way of showing the challenge, window size.
export async function pay(page, pan, { view = 'frame', window = '03', amount = '123.45' } = {}) {
  await page.goto(lab.shop + '/');
  await page.check(`input[name=card][value="${pan}"]`);
  await page.check(`input[name=view][value="${view}"]`);
  await page.check(`input[name=window][value="${window}"]`);
  await page.fill('input[name=amount]', amount);
  await page.click('button[name=go]');
}

// Where the challenge page is: in the frame, or the page itself.
export function challenge(page, view = 'frame') {
  return view.endsWith('redirect') ? page : page.frameLocator('#challenge');
}

export async function inbox() {
  return (await fetch(lab.issuer + '/inbox.json')).json();
}

// The code of the newest message, once there are more than before.
export async function code(before) {
  for (let i = 0; i < 100; ++i) {
    const all = await inbox();
    if (all.length > before) return all.at(-1).otp;
    await new Promise((r) => setTimeout(r, 50));
  }
  throw new Error('no code was delivered');
}

export const wrong = (otp) => (otp[0] === '1' ? '2' : '1') + otp.slice(1);

export async function enter(where, otp) {
  await where.locator('input[name=otp]').fill(otp);
  await where.locator('button[value=submit]').click();
}

// The shop's result page, as an object.
export async function result(page) {
  await page.waitForURL(/\/result\?/, { timeout: 20000 });
  await page.waitForSelector('dl');
  return page.evaluate(() => Object.fromEntries([...document.querySelectorAll('dd')].map((d) => [d.id, d.textContent])));
}
