/** The zone that times are shown in. */
export type Zone = 'utc' | 'local';

/** What a zone is ahead of UTC at a time, in milliseconds. */
export function zoneOffsetMs(ms: number, zone: Zone): number {
	return zone === 'utc' ? 0 : -new Date(ms).getTimezoneOffset() * 60_000;
}

/** A time to the millisecond: `2026-01-31 14:03:07.250 UTC`. */
export function timeText(ms: number, zone: Zone): string {
	const text = plain(ms, zone).replace('T', ' ');
	return zone === 'utc' ? `${text} UTC` : `${text} (local time)`;
}

/** A mark of the timeline, as much of it as marks of that distance need. */
export function markText(ms: number, stepMs: number, zone: Zone): string {
	const text = plain(ms, zone);
	const isMidnight = text.slice(11) === '00:00:00.000';
	if (stepMs >= 86_400_000 || isMidnight) return text.slice(0, 10);
	if (stepMs >= 60_000) return text.slice(11, 16);
	return stepMs >= 1000 ? text.slice(11, 19) : text.slice(11);
}

/** A length of time in words a person reads at once: `1 d 3 h`, `2 min 5 s`, `340 ms`. */
export function lengthText(ms: number): string {
	if (ms < 1000) return `${Math.round(ms)} ms`;
	const units: readonly (readonly [string, number])[] = [
		['d', 86_400_000],
		['h', 3_600_000],
		['min', 60_000],
		['s', 1000],
	];
	if (ms < 60_000) return `${Number((ms / 1000).toFixed(1))} s`;
	const at = units.findIndex(([, unitMs]) => ms >= unitMs);
	const [name, unitMs] = units[at] as readonly [string, number];
	const [smallerName, smallerMs] = units[at + 1] as readonly [string, number];
	const rounded = Math.round(ms / smallerMs) * smallerMs;
	const whole = Math.floor(rounded / unitMs);
	const rest = Math.round((rounded - whole * unitMs) / smallerMs);
	return rest === 0 ? `${whole} ${name}` : `${whole} ${name} ${rest} ${smallerName}`;
}

/** `1.2 MB`. */
export function sizeText(bytes: number): string {
	if (bytes < 1000) return `${bytes} bytes`;
	return bytes < 1e6 ? `${(bytes / 1000).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** `2.4 Mbit/s`. */
export function rateText(bitsPerSecond: number): string {
	return bitsPerSecond < 1e6
		? `${(bitsPerSecond / 1000).toFixed(0)} kbit/s`
		: `${(bitsPerSecond / 1e6).toFixed(1)} Mbit/s`;
}

/**
 * The time that a text means: ISO 8601 (in the zone shown where it names none), epoch seconds, `now`, or a length before it
 * (`-15m`); null for any other text.
 */
export function parseTime(text: string, nowMs: number, zone: Zone): number | null {
	const trimmed = text.trim();
	if (trimmed === 'now') return nowMs;
	const [, sign, amount, unit] = /^([+-])(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(trimmed) ?? [];
	if (amount !== undefined && unit !== undefined) {
		const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[unit] ?? 0;
		return nowMs + (sign === '-' ? -1 : 1) * Number(amount) * unitMs;
	}
	if (/^\d{9,11}(\.\d+)?$/.test(trimmed)) return Number(trimmed) * 1000;
	const [, date, time = '00:00', named] =
		/^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?))?\s*(Z|UTC|[+-]\d{2}:?\d{2})?$/i.exec(
			trimmed,
		) ?? [];
	if (date === undefined) return null;
	const zoneText =
		named === undefined ? (zone === 'utc' ? 'Z' : '') : named.toUpperCase().replace('UTC', 'Z');
	const ms = new Date(`${date}T${time}${zoneText}`).getTime();
	return Number.isNaN(ms) ? null : ms;
}

function plain(ms: number, zone: Zone): string {
	return new Date(Math.round(ms) + zoneOffsetMs(ms, zone)).toISOString().slice(0, -1);
}
