import { timeText, type Zone } from './clock-text.js';
import { element } from './element.js';
import type { TimeAxis } from './timeline/time-axis.js';

/** The line at the moment that is looked at: a slider for the keyboard and for screen readers. */
export class Playhead {
	readonly #line = element('playhead', HTMLElement);

	/** Shows a moment; null for none. */
	place(ms: number | null, axis: TimeAxis, { zone, isRecorded }: { zone: Zone; isRecorded: boolean }): void {
		this.#line.hidden = ms === null;
		if (ms === null) return;
		const x = Math.min(axis.width, Math.max(0, axis.xOf(ms)));
		this.#line.style.transform = `translateX(${x}px)`;
		const attributes = {
			'aria-valuemin': Math.round(axis.fromMs),
			'aria-valuemax': Math.round(axis.toMs),
			'aria-valuenow': Math.round(Math.min(axis.toMs, Math.max(axis.fromMs, ms))),
			'aria-valuetext': `${timeText(ms, zone)}, ${isRecorded ? 'recorded' : 'not recorded'}`,
		};
		for (const [name, value] of Object.entries(attributes)) this.#line.setAttribute(name, String(value));
	}
}
