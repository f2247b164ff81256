// Payments in the shop, by a real browser.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { challenge, code, enter, inbox, lab, launch, pay, result, wrong } from './browser.mjs';

let browser, context, page, sent;

before(async () => { browser = await launch(); });
after(async () => { await browser.close(); });
beforeEach(async () => {
  context = await browser.newContext();
  page = await context.newPage();
  sent = (await inbox()).length;
});
afterEach(async () => { await context.close(); });

test('frictionless', async () => {
  await pay(page, lab.frictionless);
  const r = await result(page);
  assert.equal(r.transStatus, 'Y');
  assert.equal(r.eci, '05');
});

test('rejected', async () => {
  await pay(page, lab.reject);
  assert.equal((await result(page)).transStatus, 'R');
});

for (const view of ['frame', 'redirect', 'raw-frame', 'raw-redirect']) {
  test(`right code, ${view}`, async () => {
    await pay(page, lab.challenge, { view });
    const where = challenge(page, view);
    await where.locator('input[name=otp]').waitFor();
    await enter(where, await code(sent));
    const r = await result(page);
    assert.equal(r.transStatus, 'Y');
    assert.equal(r.interactionCounter, '01');
    assert.equal(r.state, 'FINAL');
  });
}

test('wrong code to the limit', async () => {
  await pay(page, lab.challenge);
  const where = challenge(page);
  const otp = await code(sent);
  for (const left of [3, 2, 1]) {
    await where.getByText(`Attempts left: ${left}`).waitFor();
    await enter(where, wrong(otp));
  }
  const r = await result(page);
  assert.equal(r.transStatus, 'N');
  assert.equal(r.transStatusReason, '19');
  assert.equal(r.interactionCounter, '03');
});

test('wrong, then right', async () => {
  await pay(page, lab.challenge);
  const where = challenge(page);
  const otp = await code(sent);
  await enter(where, wrong(otp));
  await where.getByText('This code is not right').waitFor();
  await enter(where, otp);
  const r = await result(page);
  assert.equal(r.transStatus, 'Y');
  assert.equal(r.interactionCounter, '02');
});

test('cancel', async () => {
  await pay(page, lab.challenge);
  await challenge(page).locator('button[value=cancel]').click();
  const r = await result(page);
  assert.equal(r.transStatus, 'N');
  assert.equal(r.challengeCancel, '01');
});

test('resend', async () => {
  await pay(page, lab.challenge);
  const where = challenge(page);
  await code(sent);
  await where.locator('button[value=resend]').click();
  const otp = await code(sent + 1);
  await where.getByText('We sent a new code').waitFor();
  await enter(where, otp);
  const r = await result(page);
  assert.equal(r.transStatus, 'Y');
  assert.equal(r.interactionCounter, '01');
});

test('double click counts one attempt', async () => {
  await pay(page, lab.challenge);
  const where = challenge(page);
  const otp = await code(sent);
  await where.locator('input[name=otp]').fill(wrong(otp));
  await where.locator('button[value=submit]').dblclick();
  await where.getByText('This code is not right').waitFor();
  await enter(where, otp);
  const r = await result(page);
  assert.equal(r.transStatus, 'Y');
  assert.equal(r.interactionCounter, '02');
});

test('back button counts one attempt', async () => {
  await pay(page, lab.challenge, { view: 'redirect' });
  const otp = await code(sent);
  await enter(page, wrong(otp));
  await page.getByText('Attempts left: 2').waitFor();
  await enter(page, wrong(otp));
  await page.getByText('Attempts left: 1').waitFor();
  // Pages are not stored, so going back makes chromium ask; who says yes sends the form of the first answer again.
  await assert.rejects(page.goBack(), /ERR_CACHE_MISS/);
  for (let i = 0; ; ++i) { // the browser's question may still be on its way
    await page.waitForTimeout(300);
    try { await page.reload(); break; } catch (e) { if (i === 9) throw e; }
  }
  await page.getByText('Attempts left: 1').waitFor();
  await enter(page, otp);
  const r = await result(page);
  assert.equal(r.transStatus, 'Y');
  assert.equal(r.interactionCounter, '03');
});

test('without JavaScript', async () => {
  await context.close();
  context = await browser.newContext({ javaScriptEnabled: false });
  page = await context.newPage();
  await pay(page, lab.challenge, { view: 'redirect' });
  await page.locator('button').first().click(); // the hosted page's button
  await enter(page, await code(sent));
  await page.locator('button').first().click(); // back to the shop's side
  await page.locator('a#go, a[href*="/return"]').first().waitFor();
  for (let i = 0; i < 3 && !/\/result\?/.test(page.url()); ++i) {
    const link = page.locator('a#go, a[href*="/return"]').first();
    await Promise.all([page.waitForNavigation(), link.click()]);
  }
  assert.equal((await result(page)).transStatus, 'Y');
});

test('German pages for a German card', async () => {
  await pay(page, lab.german);
  const where = challenge(page);
  await where.locator('input[name=otp]').waitFor();
  assert.equal(await where.locator('html').getAttribute('lang'), 'de');
  await enter(where, await code(sent));
  assert.equal((await result(page)).transStatus, 'Y');
});

const SIZES = { '01': [250, 400], '02': [390, 400], '03': [500, 600], '04': [600, 400] };

for (const [window, [width, height]] of Object.entries(SIZES)) {
  test(`fits ${width} x ${height} without horizontal scrolling`, async () => { // CB-005
    await pay(page, lab.challenge, { window });
    const where = challenge(page);
    await where.locator('input[name=otp]').waitFor();
    const over = await where.locator('html').evaluate((e) => e.scrollWidth - e.clientWidth);
    assert.ok(over <= 0, `${over} px too wide`);
    await enter(where, await code(sent));
    assert.equal((await result(page)).transStatus, 'Y');
  });
}
