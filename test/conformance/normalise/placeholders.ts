/** A fragment that probes may name. */
export interface SampleFragment {
	readonly number: string;
	readonly serverMs: number;
	readonly producerMs: number;
}

/** What differs from one archive to the next. */
export interface Sample {
	readonly stream: string;
	readonly arn: string;
	/** Six that follow each other, on both clocks. */
	readonly fragments: readonly SampleFragment[];
	/** The stream that probes with `--write` make. */
	readonly scratch: string;
}

const EXPRESSION =
	/\{(?<name>stream|arn|scratch|fragment|server|producer|now|saved|region|account)(?::(?<key>\w+))?(?<offsetMs>[+-]\d+)?\}/g;

/**
 * What stands for values of the archive in requests, and for the same values in responses:
 *
 * `{stream}`, `{arn}`, `{region}`, `{account}`, `{scratch}` (the stream that `--write` makes), `{fragment:2}` (a number of the sample, 0 to 5),
 * `{server:2}`, `{producer:2+1}` (its start in epoch seconds, here one millisecond later), `{now-60000}`, and `{saved:NAME}` of an
 * earlier response. A text that is nothing but a time becomes a number.
 */
export class Placeholders {
	readonly sample: Sample;
	readonly saved = new Map<string, string>();
	readonly #nowMs: number;

	/** `nowMs`: what `{now}` is, epoch milliseconds. */
	constructor(sample: Sample, nowMs: number) {
		this.sample = sample;
		this.#nowMs = nowMs;
	}

	/** A template with its values filled in. Throws for a value that is not known. */
	fill(template: unknown): unknown {
		if (typeof template === 'string') return this.#fillText(template);
		if (Array.isArray(template)) return template.map((item) => this.fill(item));
		if (typeof template !== 'object' || template === null) return template;
		return Object.fromEntries(
			Object.entries(template).map(([name, value]) => [this.fillText(name), this.fill(value)]),
		);
	}

	/** The same for what has to be a text. */
	fillText(text: string): string {
		return text.replace(EXPRESSION, (...parts) => String(this.#valueOf(parts.at(-1))));
	}

	/** `{fragment:2}` for a number of the sample; null for any other. */
	nameOfFragment(number: string): string | null {
		const index = this.sample.fragments.findIndex((fragment) => fragment.number === number);
		return index === -1 ? null : `{fragment:${index}}`;
	}

	#fillText(text: string): string | number {
		const [match] = text.matchAll(EXPRESSION);
		return match?.[0] === text ? this.#valueOf(match.groups) : this.fillText(text);
	}

	#valueOf({ name, key = '', offsetMs = '0' }: Record<string, string | undefined> = {}): string | number {
		const { stream, arn, scratch, fragments } = this.sample;
		const seconds = (timeMs: number): number => (timeMs + Number(offsetMs)) / 1000;
		switch (name) {
			case 'stream':
				return stream;
			case 'arn':
				return arn;
			case 'scratch':
				return scratch;
			case 'region':
				return arn.split(':')[3] ?? '';
			case 'account':
				return arn.split(':')[4] ?? '';
			case 'now':
				return seconds(this.#nowMs);
			case 'saved': {
				const value = this.saved.get(key);
				if (value === undefined) throw new MissingValueError(`no earlier response gave \`${key}\``);
				return value;
			}
		}
		const fragment = fragments[Number(key)];
		if (fragment === undefined) throw new MissingValueError(`the sample has no fragment ${key}`);
		if (name === 'fragment') return fragment.number;
		return seconds(name === 'server' ? fragment.serverMs : fragment.producerMs);
	}
}

/** A request cannot be made, because an earlier response did not give what it needs. */
export class MissingValueError extends Error {}
