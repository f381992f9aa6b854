import { InvalidOptionError } from '../errors.js';
import type { RangeClock } from '../index.js';

/** Reads the fields of a request of the page. Every method throws `InvalidOptionError`. */
export class RequestFields {
	readonly #get: (name: string) => unknown;

	private constructor(get: (name: string) => unknown) {
		this.#get = get;
	}

	/** The fields of a query. */
	static ofQuery({ searchParams }: URL): RequestFields {
		return new RequestFields((name) => searchParams.get(name) ?? undefined);
	}

	/** The fields of a JSON body. */
	static ofBody(body: Readonly<Record<string, unknown>>): RequestFields {
		return new RequestFields((name) => (Object.hasOwn(body, name) ? body[name] : undefined));
	}

	/** A string that is not empty. */
	text(name: string): string {
		const value = this.#get(name);
		if (typeof value === 'string' && value !== '') return value;
		throw new InvalidOptionError(name, 'a string that is not empty', value);
	}

	/** A time in epoch milliseconds, as a Date. */
	time(name: string): Date {
		const value = this.#get(name);
		const date = new Date(typeof value === 'string' && value !== '' ? Number(value) : (value as number));
		if (!Number.isNaN(date.getTime()) && date.getTime() >= 0) return date;
		throw new InvalidOptionError(name, 'epoch milliseconds', value);
	}

	/** The clock that times mean. */
	clock(): RangeClock {
		const value = this.#get('by');
		if (value === 'server' || value === 'producer') return value;
		throw new InvalidOptionError('by', 'server or producer', value);
	}

	/** A range. */
	range(): { readonly from: Date; readonly to: Date; readonly by: RangeClock } {
		const range = { from: this.time('from'), to: this.time('to'), by: this.clock() };
		if (range.to < range.from) throw new InvalidOptionError('to', 'at or after `from`', range.to);
		return range;
	}
}
