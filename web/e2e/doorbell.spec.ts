import { enterAsHost, knock, startCall } from "./support/call.ts";
import { expect, test } from "./support/fixtures.ts";

/** What the page has played to the loudspeaker, and asked of the person. */
interface Witness {
  loudest(): number;
  asked: number;
}

declare global {
  interface Window {
    witness: Witness;
  }
}

test("a knock is really heard, and permission for notifications is asked for on a press alone", async ({ person }) => {
  const [host, guest] = [await person(), await person()];
  await host.addInitScript(() => {
    const taps: AnalyserNode[] = [];
    let loudest = 0;
    // The types know connect() in two shapes, one for nodes and one for parameters.
    const connect = AudioNode.prototype.connect as (this: AudioNode, to: AudioNode) => AudioNode;
    AudioNode.prototype.connect = function (this: AudioNode, to: AudioNode) {
      if (to instanceof AudioDestinationNode) {
        const tap = new AnalyserNode(this.context, { fftSize: 2048 });
        connect.call(this, tap);
        taps.push(tap);
      }
      return connect.call(this, to);
    } as typeof AudioNode.prototype.connect;
    setInterval(() => {
      for (const tap of taps) {
        const samples = new Float32Array(tap.fftSize);
        tap.getFloatTimeDomainData(samples);
        loudest = samples.reduce((max, sample) => Math.max(max, Math.abs(sample)), loudest);
      }
    }, 20);
    window.witness = { loudest: () => loudest, asked: 0 };
    Object.defineProperty(Notification, "permission", { get: () => "default" });
    Notification.requestPermission = () => {
      window.witness.asked++;
      return Promise.resolve("granted");
    };
  });
  const link = await startCall(host);
  await enterAsHost(host);
  expect(await host.evaluate(() => window.witness.loudest())).toBe(0);
  await knock(guest, link);
  await expect(host.getByRole("heading", { name: "Ben would like to join" })).toBeVisible();
  await expect.poll(() => host.evaluate(() => window.witness.loudest())).toBeGreaterThan(0.05);
  // The card is before the eyes: nothing covers the picture, a screen reader is told all the same.
  const announced = host.getByRole("status").getByText("Ben is knocking and would like to join.");
  await expect(announced).toBeAttached();
  expect((await announced.boundingBox())?.width ?? 0).toBeLessThan(400);

  expect(await host.evaluate(() => window.witness.asked)).toBe(0);
  await host.getByRole("button", { name: "Refuse" }).click();
  await host.getByRole("button", { name: "Refuse" }).click();
  await host.getByRole("button", { name: "Also tell me with a system notification" }).click();
  expect(await host.evaluate(() => window.witness.asked)).toBe(1);
  await expect(host.getByText("A system notification will tell you, too.")).toBeVisible();
});
