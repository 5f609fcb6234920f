import type { Page, TestInfo } from "@playwright/test";

/** The attachment that {@link LastWords} repeats. */
export const SCENE = "scene";

/** How long a page may take to say what it shows; one that hangs says so by that. */
const ASK_MS = 5_000;

/** What pages said and showed, for a test that fails where nobody can look. */
export class Scene {
  readonly #pages: { page: Page; said: string[] }[] = [];

  watch(page: Page): void {
    const said: string[] = [];
    this.#pages.push({ page, said });
    page.on("pageerror", (error) => said.push(String(error)));
    page.on("crash", () => said.push("crashed"));
    page.on("console", (message) => {
      if (message.type() === "error") said.push(message.text());
    });
  }

  /** If the test has failed, keeps a line for each page. */
  async keep(info: TestInfo): Promise<void> {
    if (info.status === info.expectedStatus) return;
    const lines = await Promise.all(this.#pages.map(({ page, said }) => describe(page, said)));
    await info.attach(SCENE, { body: lines.join("\n"), contentType: "text/plain" });
  }
}

async function describe(page: Page, said: readonly string[]): Promise<string> {
  const late = new Promise<string>((resolve) => setTimeout(() => resolve("does not answer"), ASK_MS));
  const shown = await Promise.race([late, page.evaluate(shows).catch((error: unknown) => String(error))]);
  return [shown.slice(0, 300), ...said.slice(-3).map((line) => `[${line.slice(0, 120)}]`)].join(" ");
}

/** Runs in the page. */
function shows(): string {
  const text = (selector: string) =>
    [...document.querySelectorAll<HTMLElement>(selector)].map((e) => e.innerText.trim()).filter(Boolean);
  const focus = document.activeElement?.tagName ?? "nothing";
  return `${location.pathname} "${document.title}": ${text("h1,h2,[role=status],[role=alert]").join(" / ")} (focus: ${focus})`;
}
