/** The largest distance from 1970 in milliseconds: what a Date can hold (ECMAScript §21.4.1.1). */
export const MAX_TIME_MS = 8_640_000_000_000_000;
