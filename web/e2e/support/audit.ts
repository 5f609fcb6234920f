import { AxeBuilder } from "@axe-core/playwright";
import { expect, type Page } from "@playwright/test";

/** What a page must never do, collected from its first request on. */
export class Audit {
  readonly #foreign: string[] = [];
  readonly #violations: string[] = [];
  readonly #errors: string[] = [];

  /** Watches `page`; call before the first navigation. `origin` is the only server it may talk to. */
  static async watch(page: Page, origin: string): Promise<Audit> {
    const audit = new Audit();
    page.on("request", (request) => audit.#requested(request.url(), origin));
    page.on("websocket", (socket) => audit.#requested(socket.url(), origin));
    page.on("pageerror", (error) => audit.#errors.push(error.message));
    await page.exposeFunction("reportViolation", (text: string) => void audit.#violations.push(text));
    await page.addInitScript(() => {
      document.addEventListener("securitypolicyviolation", (event) => {
        const report = (globalThis as unknown as { reportViolation(text: string): void }).reportViolation;
        report(`${event.effectiveDirective}: ${event.blockedURI}`);
      });
    });
    return audit;
  }

  #requested(address: string, origin: string): void {
    const url = new URL(address);
    const here = url.host === new URL(origin).host || ["data:", "blob:"].includes(url.protocol);
    if (!here || address.includes("#")) this.#foreign.push(address);
  }

  /** No foreign request, nothing the policy had to block, no uncaught error. */
  expectClean(): void {
    expect(this.#foreign, "requests to other servers").toEqual([]);
    expect(this.#violations, "content security policy").toEqual([]);
    expect(this.#errors, "uncaught errors").toEqual([]);
  }
}

/** WCAG 2.2 AA, as far as a machine can tell. */
export async function expectAccessible(page: Page): Promise<void> {
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  const { violations } = await new AxeBuilder({ page }).withTags(tags).analyze();
  const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(" ")).join(", ")}`);
  expect(found).toEqual([]);
}
