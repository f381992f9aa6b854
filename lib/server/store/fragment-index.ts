import type { RangeClock } from '../../model/time-range.js';
import { counted } from '../../wording/counted.js';
import { ClockOrder, firstIndex, MAX_BLOCK, type OrderBlock } from './clock-order.js';
import { readFragmentNumber } from './fragment-number.js';
import { FragmentTable } from './fragment-table.js';
import type { StoredFragment } from './stored-fragment.js';

/** When a fragment starts on a clock, epoch milliseconds. */
export function startOn(clock: RangeClock, fragment: StoredFragment): number {
	return clock === 'server' ? fragment.serverMs : fragment.producerMs;
}

/** A range on one clock, epoch milliseconds, both ends included. */
export interface ClockRange {
	readonly clock: RangeClock;
	readonly startMs: number;
	readonly endMs: number;
}

/** Which fragments of a stream are there at a moment: a state of the index that can be looked at again later. */
export interface Snapshot {
	/** How many fragments the stream had been given. */
	readonly appended: number;
	/** Server time of the newest that had come, epoch milliseconds. */
	readonly untilMs: number;
	/** Server time before which fragments that can expire had expired, epoch milliseconds. */
	readonly sinceMs: number;
}

/** A place in the order of the server's clock, which stays what it is while the stream grows. */
export interface ServerPlace {
	readonly serverMs: number;
	/** Which of those with one server time: its ordinal. */
	readonly ordinal: number;
}

/**
 * The fragments of a stream, to be found by number and by the start of their range on either clock, in logarithmic time.
 *
 * Fragments are appended one by one, in any order of their times. Each append has an ordinal, so a count of appends identifies
 * an earlier state of the stream: a page token that carries it gives the same page every time, and costs no memory.
 */
export class FragmentIndex {
	readonly #table = new FragmentTable();
	readonly #orders: Readonly<Record<RangeClock, ClockOrder>>;
	readonly #byNumber = new Map<string, number>();
	#highestSequence: bigint | null = null;
	#removedBeforeMs = 0;

	/** @param maxBlock - what {@link ClockOrder} moves at most for an insertion */
	constructor(maxBlock = MAX_BLOCK) {
		this.#orders = {
			server: new ClockOrder('server', this.#table, maxBlock),
			producer: new ClockOrder('producer', this.#table, maxBlock),
		};
	}

	/** How many fragments were ever added. */
	get appended(): number {
		return this.#table.length;
	}

	/** The highest sequence in the numbers that are laid out as the service's are; null where there is none. */
	get highestSequence(): bigint | null {
		return this.#highestSequence;
	}

	/** Fragments of a server time before this may have been removed, epoch milliseconds. */
	get removedBeforeMs(): number {
		return this.#removedBeforeMs;
	}

	/** Adds a fragment, whose number must be new. `isPermanent`: it does not expire. */
	add(fragment: StoredFragment, isPermanent: boolean): void {
		const ordinal = this.#table.append(fragment, isPermanent);
		this.#byNumber.set(fragment.number, ordinal);
		this.#orders.server.insert(ordinal);
		this.#orders.producer.insert(ordinal);
		const sequence = readFragmentNumber(fragment.number)?.sequence;
		if (sequence !== undefined && (this.#highestSequence === null || sequence > this.#highestSequence)) {
			this.#highestSequence = sequence;
		}
	}

	/** The fragment of that number, if the stream has it. */
	get(number: string): StoredFragment | undefined {
		const ordinal = this.#byNumber.get(number);
		return ordinal === undefined ? undefined : this.#table.at(ordinal);
	}

	/** Where a number stands in the order of the server's clock; null where the stream does not have it. */
	placeOf(number: string): ServerPlace | null {
		const ordinal = this.#byNumber.get(number);
		return ordinal === undefined ? null : { ordinal, serverMs: this.#table.startMs('server', ordinal) };
	}

	/** The first fragment after a place, in the order of the server's clock, and its own place. */
	after({ serverMs, ordinal }: ServerPlace): { fragment: StoredFragment; place: ServerPlace } | null {
		const order = this.#orders.server;
		let { block, index } = order.firstNotBefore(serverMs);
		for (;;) {
			const { ordinals = [] } = order.blocks[block] ?? {};
			const found = ordinals[index];
			if (found === undefined) {
				if (block >= order.blocks.length) return null;
				block++;
				index = 0;
				continue;
			}
			const foundMs = this.#table.startMs('server', found);
			if (foundMs > serverMs || found > ordinal) {
				return { fragment: this.#table.at(found), place: { serverMs: foundMs, ordinal: found } };
			}
			index++;
		}
	}

	/** The last fragments of a snapshot that start at a time or before it, at most `count`, in the order of the clock. */
	latest(clock: RangeClock, timeMs: number, count: number, snapshot = this.everything): StoredFragment[] {
		const order = this.#orders[clock];
		let { block, index } = order.firstAfter(timeMs);
		const found: StoredFragment[] = [];
		for (; block >= 0 && found.length < count; block--, index = Number.POSITIVE_INFINITY) {
			const ordinals = order.blocks[block]?.ordinals ?? [];
			for (let at = Math.min(index, ordinals.length) - 1; at >= 0 && found.length < count; at--) {
				const ordinal = ordinals[at] as number;
				if (this.isIn(snapshot, ordinal)) found.push(this.#table.at(ordinal));
			}
		}
		return found.reverse();
	}

	/** The fragments of a snapshot whose start is in the range. */
	select({ clock, startMs, endMs }: ClockRange, snapshot = this.everything): Selection {
		const order = this.#orders[clock];
		const from = order.firstNotBefore(startMs);
		const to = order.firstAfter(endMs);
		const spans: Span[] = [];
		for (let number = from.block; number <= to.block; number++) {
			const block = order.blocks[number];
			if (block === undefined) break;
			const start = number === from.block ? from.index : 0;
			const end = number === to.block ? to.index : block.ordinals.length;
			if (start < end) spans.push(this.#spanOf(block, start, end, snapshot));
		}
		return new Selection(this.#table, spans);
	}

	/** Removes the fragments of a payload whose server times lie in that range, ends included. */
	removePayload(payload: string, firstServerMs: number, lastServerMs: number): void {
		const range = { clock: 'server', startMs: firstServerMs, endMs: lastServerMs } as const;
		for (const fragment of this.select(range).all()) {
			if (fragment.payload !== payload) continue;
			const ordinal = this.#byNumber.get(fragment.number) as number;
			this.#orders.server.remove(ordinal);
			this.#orders.producer.remove(ordinal);
			this.#byNumber.delete(fragment.number);
			this.#table.remove(ordinal);
			this.#removedBeforeMs = Math.max(this.#removedBeforeMs, fragment.serverMs + 1);
		}
	}

	/** The snapshot of all fragments that there are. */
	get everything(): Snapshot {
		return {
			appended: this.appended,
			untilMs: Number.POSITIVE_INFINITY,
			sinceMs: Number.NEGATIVE_INFINITY,
		};
	}

	/** Whether a fragment, by its ordinal, is in a snapshot. */
	isIn({ appended, untilMs, sinceMs }: Snapshot, ordinal: number): boolean {
		if (ordinal >= appended) return false;
		const serverMs = this.#table.startMs('server', ordinal);
		return serverMs <= untilMs && (serverMs >= sinceMs || this.#table.isPermanent(ordinal));
	}

	#spanOf(block: OrderBlock, start: number, end: number, snapshot: Snapshot): Span {
		const isWhole =
			block.maxOrdinal < snapshot.appended &&
			block.maxServerMs <= snapshot.untilMs &&
			block.minExpiringMs >= snapshot.sinceMs;
		if (isWhole) return { ordinals: block.ordinals, start, length: end - start };
		const ordinals = block.ordinals.slice(start, end).filter((ordinal) => this.isIn(snapshot, ordinal));
		return { ordinals, start: 0, length: ordinals.length };
	}
}

interface Span {
	readonly ordinals: readonly number[];
	readonly start: number;
	readonly length: number;
}

/** The fragments of a range. Holds no copy of them: to be used before the index changes. */
export class Selection {
	readonly length: number;
	readonly #table: FragmentTable;
	readonly #spans: readonly Span[];
	/** How many fragments come before the end of each span. */
	readonly #ends: readonly number[];

	constructor(table: FragmentTable, spans: readonly Span[]) {
		this.#table = table;
		this.#spans = spans;
		let length = 0;
		this.#ends = spans.map((span) => {
			length += span.length;
			return length;
		});
		this.length = length;
	}

	/** All of them, in the order of the clock. */
	all(): StoredFragment[] {
		return this.#spans.flatMap(({ ordinals, start, length }) =>
			ordinals.slice(start, start + length).map((ordinal) => this.#table.at(ordinal)),
		);
	}

	/** The fragment at a position below {@link length}. The same selection has the same positions, also later. */
	at(position: number): StoredFragment {
		const index = firstIndex(this.#ends.length, (at) => (this.#ends[at] as number) > position);
		const span = this.#spans[index];
		if (span === undefined) {
			throw new RangeError(
				`position ${position} is past the ${counted(this.length, 'fragment')} of the selection`,
			);
		}
		const before = (this.#ends[index] as number) - span.length;
		return this.#table.at(span.ordinals[span.start + position - before] as number);
	}
}
