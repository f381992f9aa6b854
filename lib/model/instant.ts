import { InvalidOptionError } from '../errors.js';
import { MAX_TIME_MS } from './max-time.js';

/** A point in time: a Date, epoch milliseconds as `Date.now()` gives them, or ISO 8601 (UTC where it names no zone). */
export type Instant = Date | number | string;

/** Epoch milliseconds of an instant. Throws {@link InvalidOptionError} for one that is not valid, or lies before 1970. */
export function resolveInstant(option: string, instant: Instant): number {
	const ms =
		instant instanceof Date ? instant.getTime() : typeof instant === 'string' ? isoMs(instant) : instant;
	if (typeof ms !== 'number' || !(ms >= 0 && ms <= MAX_TIME_MS)) {
		throw new InvalidOptionError(option, 'a Date, epoch milliseconds or ISO 8601, since 1970', instant);
	}
	return ms;
}

/** Epoch milliseconds of a date and time in ISO 8601, UTC where it names no zone; null for any other text. */
export function isoMs(text: string): number | null {
	const match =
		/^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?)(Z|[+-]\d{2}(?::?\d{2})?)?)?$/i.exec(
			text,
		);
	if (match === null) return null;
	const [, date, time = '00:00', zone = 'Z'] = match;
	const offset = /^[+-]/.test(zone) ? `${zone.slice(0, 3)}:${zone.slice(3).replace(':', '') || '00'}` : 'Z';
	const ms = Date.parse(`${date}T${time.replace(',', '.')}${offset}`);
	// Date.parse takes the 31st of a month of 30 days for the 1st of the next.
	const isRealDate = new Date(`${date}T00:00:00Z`).toJSON()?.startsWith(date as string) ?? false;
	return Number.isNaN(ms) || !isRealDate ? null : ms;
}
