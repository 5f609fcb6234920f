/** Where a tip stands: over or under its control, in the middle or flush with its end (at the edge of the page). */
export type TipPlace = "top" | "top-end" | "bottom" | "bottom-end";
