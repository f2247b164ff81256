// The 3DS Method in a hidden frame of a shop's page, by a real browser.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { lab, launch } from './browser.mjs';

const SHOP = 'https://shop.test/', NOTICE = 'https://shop.test/notice';
let browser;

before(async () => { browser = await launch(); });
after(async () => { await browser.close(); });

const b64 = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

// The shop's page: a hidden frame and a form into it, as B-40 and M-04 have them.
function shopPage(id, sandbox) {
  const data = b64({ threeDSServerTransID: id, threeDSMethodNotificationURL: NOTICE });
  return `<!DOCTYPE html><title>shop</title><p>Please wait</p>
    <iframe name="m" style="visibility:hidden" ${sandbox ? `sandbox="${sandbox}"` : ''}></iframe>
    <form method="post" action="${lab.method}" target="m"><input type="hidden" name="threeDSMethodData" value="${data}"></form>`;
}

async function run({ sandbox, javascript = true, hold = false } = {}) {
  const context = await browser.newContext({ javaScriptEnabled: javascript, timezoneId: 'Asia/Tokyo', locale: 'de-DE' });
  const page = await context.newPage(), id = randomUUID(), seen = { errors: [], told: null };

  page.on('console', (m) => { if (m.type() === 'error') seen.errors.push(m.text()); });
  page.on('pageerror', (e) => seen.errors.push(String(e)));
  await page.route(SHOP, (r) => r.fulfill({ contentType: 'text/html', body: shopPage(id, sandbox) }));
  await page.route(NOTICE, (r) => r.fulfill({ contentType: 'text/html', body: '<!DOCTYPE html><title></title>' }));
  if (hold) await page.route('**/acs/method/data', () => {});
  page.on('request', (r) => { if (r.url().endsWith('/method/data')) seen.told = new URLSearchParams(r.postData()); });
  page.on('response', (r) => { if (r.url().endsWith('/method/data')) seen.status = r.status(); });
  await page.goto(SHOP);
  const notice = page.waitForRequest((r) => r.url() === NOTICE, { timeout: 5000 });
  const loaded = page.waitForResponse((r) => r.url() === lab.method).then((r) => { seen.at = Date.now(); return r; });
  if (javascript) await page.evaluate(() => HTMLFormElement.prototype.submit.call(document.forms[0]));
  return { context, page, id, seen, notice, loaded };
}

async function judge({ page, id, seen, notice, loaded, context }, millis) {
  assert.equal((await loaded).status(), 200);
  const request = await notice;
  assert.ok(Date.now() - seen.at < millis, `left after ${Date.now() - seen.at} ms`);
  const fields = [...new URLSearchParams(request.postData())];
  assert.deepEqual(fields, [['threeDSMethodData', b64({ threeDSServerTransID: id })]]);
  assert.equal(request.method(), 'POST');
  assert.equal(page.url(), SHOP);
  assert.equal(context.pages().length, 1);
}

const FRAME = 'allow-forms allow-scripts allow-same-origin';

for (const [what, sandbox] of [['a plain frame', ''], ['a sandboxed frame', FRAME]]) {
  test(`${what}: tells, and leaves`, async () => {
    const it = await run({ sandbox });
    await judge(it, 1000);
    assert.equal(it.seen.status, 204);
    const told = JSON.parse(it.seen.told.get('data'));
    assert.equal(told.timeZone, 'Asia/Tokyo');
    assert.equal(told.timeZoneOffset, '-540');
    assert.equal(told.language, 'de-DE');
    assert.match(told.deviceId, /^[0-9a-f]{32}$/);
    assert.deepEqual(it.seen.errors, []);
    await it.context.close();
  });
}

test('a frame with an origin of its own: no storage, no device', async () => {
  const it = await run({ sandbox: 'allow-forms allow-scripts' });
  await judge(it, 1000);
  const told = JSON.parse(it.seen.told.get('data'));
  assert.equal(told.localStorage, 'N');
  assert.equal(told.deviceId, undefined);
  await it.context.close();
});

test('the same browser has the same device', async () => {
  const it = await run();
  await judge(it, 1000);
  const first = JSON.parse(it.seen.told.get('data')).deviceId;
  await it.page.goto(SHOP);
  const told = it.page.waitForRequest((r) => r.url().endsWith('/method/data'));
  await it.page.evaluate(() => HTMLFormElement.prototype.submit.call(document.forms[0]));
  assert.equal(JSON.parse(new URLSearchParams((await told).postData()).get('data')).deviceId, first);
  await it.context.close();
});

test('an ACS that does not answer any more: leaves within a second', async () => {
  const it = await run({ hold: true });
  await judge(it, 1200);
  await it.context.close();
});

test('nothing to see', async () => {
  const context = await browser.newContext(), page = await context.newPage();
  await page.route(SHOP, (r) => r.fulfill({ contentType: 'text/html', body: shopPage(randomUUID(), '').replace('target="m"', '') }));
  await page.route('**/acs/method/data', () => {});
  await page.route(NOTICE, (r) => r.fulfill({ status: 204 })); // the page stays
  await page.goto(SHOP);
  await page.evaluate(() => HTMLFormElement.prototype.submit.call(document.forms[0])).catch(() => {});
  await page.waitForURL(lab.method);
  assert.equal((await page.innerText('body')).trim(), '');
  assert.equal(await page.locator('button').count(), 0);
  await context.close();
});

test('without scripts: one button', async () => {
  const context = await browser.newContext({ javaScriptEnabled: false }), page = await context.newPage(), id = randomUUID();
  const body = shopPage(id, '').replace('target="m"', '').replace('</form>', '<button>go</button></form>');
  await page.route(SHOP, (r) => r.fulfill({ contentType: 'text/html', body }));
  await page.route(NOTICE, (r) => r.fulfill({ contentType: 'text/html', body: '<!DOCTYPE html><title></title>' }));
  await page.goto(SHOP);
  await page.click('button');
  await page.waitForURL(lab.method);
  const notice = page.waitForRequest((r) => r.url() === NOTICE);
  await page.click('button');
  assert.equal(new URLSearchParams((await notice).postData()).get('threeDSMethodData'), b64({ threeDSServerTransID: id }));
  await context.close();
});
