/** Two people as drawings, to stand before a fake camera: nobody's likeness. */
export const people = {
  ana: {
    wall: "#d9c7ae",
    shade: "#b89f80",
    skin: "#d9a07a",
    cheek: "#c98a66",
    hair: "#3b2620",
    top: "#2f6f73",
    long: true,
  },
  ben: {
    wall: "#b9c6cc",
    shade: "#8fa2ab",
    skin: "#e8bd9a",
    cheek: "#d7a17f",
    hair: "#8a6a45",
    top: "#3d4f73",
    long: false,
  },
};

/** A page, 1280 × 720, with the person in it. */
export function portrait({ wall, shade, skin, cheek, hair, top, long }) {
  const back = long
    ? `<path fill="${hair}" d="M640 96c-150 0-206 104-206 232 0 130-22 190-34 262h480c-12-72-34-132-34-262 0-128-56-232-206-232z"/>`
    : "";
  const fringe = long
    ? "M640 118c-120 0-168 80-166 190 40-20 96-64 124-118 40 70 130 108 208 116 2-108-46-188-166-188z"
    : "M640 112c-118 0-170 72-162 176l20 34c2-60 16-92 44-116 60 34 140 34 196 0 28 24 42 56 44 116l20-34c8-104-44-176-162-176z";
  return `<!doctype html><style>html,body{margin:0;background:${wall}}</style>
<svg xmlns="http://www.w3.org/2000/svg" width="1280" height="720" viewBox="0 0 1280 720">
<defs><filter id="soft" x="-20%" y="-20%" width="140%" height="140%"><feGaussianBlur stdDeviation="9"/></filter>
<linearGradient id="wall" x1="0" x2="1"><stop stop-color="${wall}"/><stop offset="1" stop-color="${shade}"/></linearGradient></defs>
<rect width="1280" height="720" fill="url(#wall)"/>
<g filter="url(#soft)"><rect x="70" y="60" width="250" height="380" rx="8" fill="#f4efe4"/><rect x="188" y="60" width="12" height="380" fill="${wall}"/>
<rect x="70" y="240" width="250" height="12" fill="${wall}"/><rect x="960" y="330" width="270" height="16" fill="#6f5a46"/>
<rect x="985" y="220" width="32" height="110" fill="#93604d"/><rect x="1021" y="240" width="26" height="90" fill="#4f6d7a"/><rect x="1051" y="208" width="36" height="122" fill="#c0a15e"/>
<path fill="#4d7a58" d="M1170 250c-40-20-52-62-44-92 30 14 44 48 44 92zm0 0c6-46 22-70 52-84 8 40-14 74-52 84z"/><rect x="1142" y="262" width="56" height="68" rx="8" fill="#b9714f"/></g>
<!-- Room above the head for the self view. -->
<g transform="translate(115 130) scale(.82)">
${back}
<path fill="${top}" d="M250 720c14-130 108-188 250-216h280c142 28 236 86 250 216z"/>
<path fill="${cheek}" d="M572 440h136v84c-30 46-106 46-136 0z"/>
<ellipse cx="640" cy="322" rx="146" ry="184" fill="${skin}"/>
<path fill="${hair}" d="${fringe}"/>
<g fill="#2a1d18"><ellipse cx="582" cy="322" rx="12" ry="14"/><ellipse cx="698" cy="322" rx="12" ry="14"/></g>
<g fill="#fff"><circle cx="586" cy="317" r="4"/><circle cx="702" cy="317" r="4"/></g>
<g fill="none" stroke="${hair}" stroke-width="9" stroke-linecap="round"><path d="M556 286c14-12 36-14 52-6"/><path d="M672 280c16-8 38-6 52 6"/></g>
<path d="M640 330c-6 26-14 42-12 50 4 8 16 8 24 4" fill="none" stroke="${cheek}" stroke-width="8" stroke-linecap="round"/>
<path d="M588 418c30 34 76 34 104 0-30 10-74 10-104 0z" fill="#fff" stroke="#8c4a3d" stroke-width="7" stroke-linejoin="round"/>
</g></svg>`;
}
