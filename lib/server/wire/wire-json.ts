/** A moment as the service writes it in JSON: epoch seconds, a double with milliseconds. */
export class EpochSeconds {
	readonly #timeMs: number;

	/** `timeMs`: epoch milliseconds, whole. */
	constructor(timeMs: number) {
		this.#timeMs = timeMs;
	}

	/** The number as Java's `Double.toString` spells it, `1.577156925312E9`, exact to the millisecond. */
	toString(): string {
		const sign = this.#timeMs < 0 ? '-' : '';
		const digits = String(Math.abs(this.#timeMs)).padStart(4, '0');
		const seconds = digits.slice(0, -3);
		if (seconds.length <= MAX_PLAIN_DIGITS) {
			return `${sign}${seconds}.${digits.slice(-3).replace(/0{1,2}$/, '')}`;
		}
		const fraction = digits.slice(1).replace(/0+$/, '') || '0';
		return `${sign}${digits[0]}.${fraction}E${seconds.length - 1}`;
	}
}

/** Java writes doubles from 10^7 on with an exponent. */
const MAX_PLAIN_DIGITS = 7;

/** The values of a JSON response. */
export type WireValue =
	| string
	| number
	| null
	| EpochSeconds
	| readonly WireValue[]
	| { readonly [name: string]: WireValue };

/** JSON with {@link EpochSeconds} in the service's spelling, which `JSON.stringify` cannot write. */
export function wireJson(value: WireValue): string {
	if (value instanceof EpochSeconds) return value.toString();
	if (value === null || typeof value !== 'object') return JSON.stringify(value);
	if (isArray(value)) return `[${value.map(wireJson).join(',')}]`;
	const members = Object.entries(value).map(
		([name, member]) => `${JSON.stringify(name)}:${wireJson(member)}`,
	);
	return `{${members.join(',')}}`;
}

function isArray(value: object): value is readonly WireValue[] {
	return Array.isArray(value);
}
