import type { DateRange } from './archive-options.js';

/** Characters of a bar, without its ends. */
const WIDTH = 24;

/** Where in a range something is, as text: `[    ######      ]`. At least one character of it is shown. */
export function timeBar({ from, to }: { readonly from: Date; readonly to: Date }, range: DateRange): string {
	const startMs = range.from.getTime();
	const lengthMs = Math.max(1, range.to.getTime() - startMs);
	const place = (date: Date): number => ((date.getTime() - startMs) / lengthMs) * WIDTH;
	const first = Math.min(WIDTH - 1, Math.max(0, Math.floor(place(from))));
	const end = Math.min(WIDTH, Math.max(first + 1, Math.ceil(place(to))));
	return `[${' '.repeat(first)}${'#'.repeat(end - first)}${' '.repeat(WIDTH - end)}]`;
}
