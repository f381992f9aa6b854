import type { RangeClock } from '../../model/time-range.js';
import type { StoredFragment } from './stored-fragment.js';

/** Rows of a page. Pages are never moved, so that an append costs the same however many there are. */
const PAGE_ROWS = 4096;

/** The numbers of a row, in their order. */
const columns = [
	'offset',
	'sizeBytes',
	'producerMs',
	'serverMs',
	'lengthMs',
	'frames',
	'pictures',
	'picturesMs',
	'crc32',
] as const;
const PAYLOAD = columns.length;
const ROW_VALUES = columns.length + 1;
const SERVER_MS = columns.indexOf('serverMs');
const PRODUCER_MS = columns.indexOf('producerMs');

interface Page {
	readonly values: Float64Array;
	readonly numbers: string[];
	removed: number;
}

/**
 * The fragments of a stream in the order they were appended, each by its ordinal, from 0. Holds numbers in place of
 * objects, some 150 bytes a fragment, and makes a {@link StoredFragment} where one is asked for.
 */
export class FragmentTable {
	readonly #pages: (Page | null)[] = [];
	readonly #payloads: { readonly path: string; readonly isPermanent: boolean }[] = [];
	readonly #payloadIds = new Map<string, number>();
	#length = 0;

	/** How many were appended, those that were removed included: the next one's ordinal. */
	get length(): number {
		return this.#length;
	}

	/** Appends a fragment and returns its ordinal. `isPermanent`: its payload does not expire. */
	append(fragment: StoredFragment, isPermanent: boolean): number {
		const ordinal = this.#length++;
		const row = ordinal % PAGE_ROWS;
		if (row === 0) {
			this.#pages.push({ values: new Float64Array(PAGE_ROWS * ROW_VALUES), numbers: [], removed: 0 });
		}
		const { values, numbers } = this.#pages.at(-1) as Page;
		const start = row * ROW_VALUES;
		for (const [column, name] of columns.entries()) values[start + column] = fragment[name] ?? Number.NaN;
		values[start + PAYLOAD] = this.#payloadId(fragment.payload, isPermanent);
		numbers.push(fragment.number);
		return ordinal;
	}

	/** The fragment of an ordinal that was appended and not removed. */
	at(ordinal: number): StoredFragment {
		const { values, numbers } = this.#pageOf(ordinal);
		const row = ordinal % PAGE_ROWS;
		const start = row * ROW_VALUES;
		const value = (name: (typeof columns)[number]): number => values[start + columns.indexOf(name)] as number;
		const pictures = value('pictures');
		const crc32 = value('crc32');
		return {
			number: numbers[row] as string,
			payload: (this.#payloads[values[start + PAYLOAD] as number] as { path: string }).path,
			offset: value('offset'),
			sizeBytes: value('sizeBytes'),
			producerMs: value('producerMs'),
			serverMs: value('serverMs'),
			lengthMs: value('lengthMs'),
			frames: value('frames'),
			...(!Number.isNaN(pictures) && { pictures, picturesMs: value('picturesMs') }),
			...(!Number.isNaN(crc32) && { crc32 }),
		};
	}

	/** When a fragment starts on a clock, epoch milliseconds. */
	startMs(clock: RangeClock, ordinal: number): number {
		const column = clock === 'server' ? SERVER_MS : PRODUCER_MS;
		return this.#pageOf(ordinal).values[(ordinal % PAGE_ROWS) * ROW_VALUES + column] as number;
	}

	/** Whether a fragment's payload does not expire. */
	isPermanent(ordinal: number): boolean {
		const id = this.#pageOf(ordinal).values[(ordinal % PAGE_ROWS) * ROW_VALUES + PAYLOAD] as number;
		return this.#payloads[id]?.isPermanent === true;
	}

	/** Forgets a fragment, once. Its memory is freed with the last one of its page. */
	remove(ordinal: number): void {
		const page = this.#pageOf(ordinal);
		page.removed++;
		if (page.removed === PAGE_ROWS) this.#pages[Math.floor(ordinal / PAGE_ROWS)] = null;
	}

	#pageOf(ordinal: number): Page {
		return this.#pages[Math.floor(ordinal / PAGE_ROWS)] as Page;
	}

	#payloadId(path: string, isPermanent: boolean): number {
		const known = this.#payloadIds.get(path);
		if (known !== undefined) return known;
		const id = this.#payloads.push({ path, isPermanent }) - 1;
		this.#payloadIds.set(path, id);
		return id;
	}
}
