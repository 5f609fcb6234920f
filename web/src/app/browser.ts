/** The browsers whose permission steps differ; everything Chromium-based counts as `chrome` or `edge`. */
export type BrowserKind =
  | "chrome"
  | "edge"
  | "firefox"
  | "safari"
  | "chrome-android"
  | "firefox-android"
  | "safari-ios"
  | "other-ios"
  | "other";

/** The operating systems that have a camera switch of their own. */
export type SystemKind = "windows" | "macos" | "linux" | "android" | "ios" | "chromeos" | "other";

interface NavigatorFacts {
  userAgent: string;
  maxTouchPoints: number;
}

/**
 * Which browser is this? Only for wording: nothing is switched on or off by it.
 * iPadOS calls itself a Mac; a Mac has no touch screen.
 */
export function browserKind({ userAgent: ua, maxTouchPoints }: NavigatorFacts): BrowserKind {
  if (isIOS(ua, maxTouchPoints)) return /CriOS|FxiOS|EdgiOS|OPiOS/.test(ua) ? "other-ios" : "safari-ios";
  if (/Android/.test(ua)) {
    if (/Firefox\//.test(ua)) return "firefox-android";
    return /Chrome\//.test(ua) ? "chrome-android" : "other";
  }
  if (/Edg\//.test(ua)) return "edge";
  if (/Firefox\//.test(ua)) return "firefox";
  if (/Chrome\/|Chromium\//.test(ua)) return "chrome";
  return /Safari\//.test(ua) ? "safari" : "other";
}

/** The browser's version up to the first point, "" if it cannot be told: the rest would help to recognize somebody. */
export function browserMajor({ userAgent: ua }: Pick<NavigatorFacts, "userAgent">): string {
  const pattern = /(?:Edg|EdgiOS|Firefox|FxiOS|CriOS)\/(\d+)/;
  return (pattern.exec(ua) ?? /(?:Chrome|Chromium|Version)\/(\d+)/.exec(ua))?.[1] ?? "";
}

export function systemKind({ userAgent: ua, maxTouchPoints }: NavigatorFacts): SystemKind {
  if (isIOS(ua, maxTouchPoints)) return "ios";
  if (/Android/.test(ua)) return "android";
  if (/Windows/.test(ua)) return "windows";
  if (/CrOS/.test(ua)) return "chromeos";
  if (/Macintosh/.test(ua)) return "macos";
  return /Linux|X11/.test(ua) ? "linux" : "other";
}

function isIOS(ua: string, maxTouchPoints: number): boolean {
  return /iPhone|iPad|iPod/.test(ua) || (/Macintosh/.test(ua) && maxTouchPoints > 1);
}
