/**
 * What make bench-recovery measures against: two peer connections that restart ICE when connectionState is "failed",
 * by the textbook (perfect negotiation). Their signaling goes through this process and never fails, which is
 * more than a real one can say. They use the relay of a call that has begun, whose own cameras are switched off.
 */
export async function bare(host, guest, url) {
  for (const page of [host, guest]) await page.getByRole("switch", { name: "Camera" }).click();
  const servers = await Promise.all(
    [host, guest].map((page) => page.evaluate(() => window.connections.at(-1).getConfiguration().iceServers)),
  );
  const pages = await Promise.all([host, guest].map((page) => page.context().newPage()));
  for (const [i, page] of pages.entries()) {
    const other = pages[1 - i];
    await page.exposeFunction("tell", (message) => other.evaluate((m) => window.hear(m), message));
    await page.goto(`${url}/readyz`); // any page of a secure origin
  }
  for (const [i, page] of pages.entries()) await page.evaluate(prepare, { iceServers: servers[i], polite: i === 0 });
  for (const page of pages) await page.evaluate(() => window.begin());
  for (const page of pages) await page.waitForFunction(() => window.shown.length > 30);
  return pages;
}

/** In the page. Nothing is sent before both sides listen. */
async function prepare({ iceServers, polite }) {
  const pc = new RTCPeerConnection({ iceServers, bundlePolicy: "max-bundle" });
  const video = document.body.appendChild(document.createElement("video"));
  Object.assign(video, { autoplay: true, muted: true });
  pc.ontrack = ({ streams }) => (video.srcObject ??= streams[0]);
  let [making, ignoring] = [false, false];
  const tell = (message) => window.tell(JSON.parse(JSON.stringify(message)));
  pc.onnegotiationneeded = async () => {
    making = true;
    await pc.setLocalDescription();
    making = false;
    await tell({ description: pc.localDescription });
  };
  pc.onicecandidate = ({ candidate }) => candidate && tell({ candidate });
  pc.onconnectionstatechange = () => pc.connectionState === "failed" && pc.restartIce();
  window.hear = async ({ description, candidate }) => {
    if (candidate) return pc.addIceCandidate(candidate).catch(() => {}); // of an offer that was ignored
    ignoring = !polite && description.type === "offer" && (making || pc.signalingState !== "stable");
    if (ignoring) return;
    await pc.setRemoteDescription(description);
    if (description.type !== "offer") return;
    await pc.setLocalDescription();
    await tell({ description: pc.localDescription });
  };
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 1280, height: 720 } });
  window.begin = () => {
    for (const track of stream.getTracks()) pc.addTrack(track, stream);
  };
}
