/**
 * A tab that Playwright does not know. Of those it knows each believes to be in front (focus emulation), and none can be behind
 * another. In the browser's default context, by the browser's own session.
 */
export class BackgroundTab {
  #session;
  #id = 0;
  #waiting = new Map();

  /** The browser must have been launched without {@link slowsNothing}. */
  static async open(browser, url) {
    const tab = new BackgroundTab();
    tab.#session = await browser.newBrowserCDPSession();
    const { targetId } = await tab.#session.send("Target.createTarget", { url, newWindow: true });
    const { sessionId } = await tab.#session.send("Target.attachToTarget", { targetId, flatten: false });
    tab.sessionId = sessionId;
    tab.#session.on("Target.receivedMessageFromTarget", ({ message }) => {
      const { id, result, error } = JSON.parse(message);
      const { resolve, reject } = tab.#waiting.get(id) ?? {};
      if (error) reject?.(new Error(error.message));
      else resolve?.(result);
    });
    return tab;
  }

  async #send(method, params) {
    const id = ++this.#id;
    const answered = new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    const message = JSON.stringify({ id, method, params });
    await this.#session.send("Target.sendMessageToTarget", { sessionId: this.sessionId, message });
    return answered;
  }

  /** What an expression in the page is. */
  async evaluate(expression) {
    const params = { expression, awaitPromise: true, returnByValue: true, userGesture: true };
    const { result, exceptionDetails } = await this.#send("Runtime.evaluate", params);
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  async until(expression) {
    for (let i = 0; i < 300; i++) {
      if (await this.evaluate(expression).catch(() => false)) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`never true: ${expression}`);
  }

  /** Another tab of the same window comes before it. */
  async hide() {
    await this.#session.send("Target.createTarget", { url: "about:blank", newWindow: false });
    await this.until(`document.visibilityState === "hidden"`);
  }
}

/** Flags of Playwright's that keep pages in the background as quick as those in front. */
export const slowsNothing = [
  "--disable-background-timer-throttling",
  "--disable-backgrounding-occluded-windows",
  "--disable-renderer-backgrounding",
];
