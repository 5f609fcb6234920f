const attributes = ["lang", "dir", "data-theme"];

/**
 * Makes the empty document of another window look like this one, and keep looking like it. The rules are copied, not
 * linked: there is no second request and no first paint without them. Rules that a script adds are no inline style, so
 * the content security policy lets them pass.
 */
export function dress(other: Window & typeof globalThis): () => void {
  const from = document.documentElement;
  const to = other.document.documentElement;
  const follow = () => {
    for (const name of attributes) {
      const value = from.getAttribute(name);
      if (value === null) to.removeAttribute(name);
      else to.setAttribute(name, value);
    }
  };
  follow();
  // A sheet belongs to the document whose window made it.
  other.document.adoptedStyleSheets = [...document.styleSheets].map((sheet) => {
    const copy = new other.CSSStyleSheet({ media: sheet.media.mediaText });
    copy.replaceSync([...sheet.cssRules].map((rule) => rule.cssText).join("\n"));
    return copy;
  });
  const observer = new MutationObserver(follow);
  observer.observe(from, { attributeFilter: attributes });
  return () => observer.disconnect();
}
