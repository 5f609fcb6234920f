/** The calls that make bench-call compares: the floor's, ours, and ours over the relay. */
import { probe } from "./probe.mjs";

/** A person in a lobby has long been ready when the click comes. Nobody's preparations are to reach into the measurement. */
const SETTLE_MS = 700;

/** A page in a profile of its own, with a script in it. The lab's server has a certificate that nobody knows. */
export async function person(browser, script, baseURL) {
  const permissions = ["camera", "microphone"];
  const context = await browser.newContext({ baseURL, ignoreHTTPSErrors: true, permissions, locale: "en-US" });
  await context.addInitScript(script);
  return context.newPage();
}

/** One fresh page per side, with the probe in it. */
function pages(browsers) {
  return Promise.all(browsers.map((browser) => person(browser, probe)));
}

/** The click that counts, and what follows it: milliseconds to first frame and first sound at either side. */
export async function measure(button, host, guest) {
  await host.waitForTimeout(SETTLE_MS);
  await Promise.all([host, guest].map((page) => page.evaluate(() => window.arm())));
  await button.click();
  const [h, g] = await Promise.all([host, guest].map(seen));
  const marks = {};
  for (const [who, { marks: all }] of Object.entries({ host: h, guest: g })) {
    for (const [name, at] of Object.entries(all)) marks[`${who}: ${name}`] = at - h.click;
  }
  return {
    guest_frame: g.video - h.click,
    guest_audio: g.audio - h.click,
    host_frame: h.video - h.click,
    host_audio: h.audio - h.click,
    size: g.size,
    marks,
  };
}

async function seen(page) {
  await page.waitForFunction(() => window.probe.video && window.probe.audio, undefined, { polling: 100 });
  return page.evaluate(() => ({ ...window.probe, peers: undefined }));
}

/** Runs one call and closes its pages. */
async function call(browsers, act) {
  const both = await pages(browsers);
  try {
    return await act(...both);
  } finally {
    await Promise.all(both.map((p) => p.context().close()));
  }
}

export function floor(url, browsers, run) {
  return call(browsers, async (host, guest) => {
    await Promise.all([host.goto(`${url}/?run=${run}&role=offer`), guest.goto(`${url}/?run=${run}&role=answer`)]);
    await Promise.all([host, guest].map((p) => p.getByRole("button", { disabled: false }).waitFor()));
    return measure(host.getByRole("button"), host, guest);
  });
}

export function visavis(url, browsers, { relayed = false } = {}) {
  return call(browsers, async (host, guest) => {
    const admit = await lobby(host, guest, url, relayed);
    await host.waitForFunction(() => window.probe.peers.at(-1)?.iceGatheringState === "complete");
    return measure(admit, host, guest);
  });
}

/** A host in a new call and a guest who has knocked. Returns the button that lets them in. */
export async function lobby(host, guest, url, relayed = false) {
  const link = await startCall(host, url, relayed);
  await host.getByLabel("Your name").fill("Ada");
  await host.getByRole("button", { name: "Enter the call" }).click();
  await host.getByRole("heading", { name: "Nobody is here yet" }).waitFor();
  await guest.goto(link);
  await guest.getByLabel("Your name").fill("Ben");
  await guest.getByRole("button", { name: "Ask to join" }).click();
  const admit = host.getByRole("button", { name: "Admit" });
  await admit.waitFor();
  return admit;
}

async function startCall(host, url, relayed) {
  if (!relayed) {
    await host.goto(url);
    await host.getByRole("button", { name: "Start a call" }).click();
    return host.getByLabel("Link for your guest").inputValue();
  }
  await host.goto(`${url}/new`);
  await host.getByRole("switch", { name: "Hide internet addresses" }).click();
  await host.getByRole("button", { name: "Create the link" }).click();
  const link = await host.getByLabel("Link for your guest").inputValue();
  await host.getByRole("button", { name: "Open the lobby" }).click();
  return link;
}
