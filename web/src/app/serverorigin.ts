/** Null: the server is where this page came from. A page that `visavis ui` serves on this machine says whose calls it shows. */
export function serverOrigin(page: ParentNode): string | null {
  const content = page.querySelector<HTMLMetaElement>('meta[name="visavis-server"]')?.content;
  return content && URL.canParse(content) ? new URL(content).origin : null;
}
