export const THEME_KEY = "mission-control.theme";

/** Runs before anything is painted: a chosen theme holds from the first frame on. */
export const THEME_SCRIPT = `try{const t=localStorage.getItem("${THEME_KEY}");if(t)document.documentElement.dataset.theme=t}catch{}`;
