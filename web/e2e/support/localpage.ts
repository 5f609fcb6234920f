import { spawn } from "node:child_process";
import { once } from "node:events";
import { binary } from "./build.ts";
import { freePort } from "./server.ts";

/** `visavis ui` for a server or a link, until it is disposed of. */
export async function startLocalPage(target: string): Promise<{ url: string; [Symbol.asyncDispose](): Promise<void> }> {
  const port = await freePort();
  const what = target.includes("#") ? [target] : ["--server", target];
  const child = spawn(binary(), ["ui", ...what, "--listen", `127.0.0.1:${port}`], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const exited = once(child, "exit");
  let said = "";
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.on("data", (b: Buffer) => {
      said += b.toString();
      const found = /^Open (\S+)$/m.exec(said)?.[1];
      if (found) resolve(found);
    });
    child.stderr.on("data", (b: Buffer) => (said += b.toString()));
    void exited.then(() => reject(new Error(`visavis ui ended: ${said}`)));
  });
  return {
    url,
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGTERM");
      await exited;
    },
  };
}
