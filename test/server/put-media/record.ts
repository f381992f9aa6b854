import { PutMediaError } from '#lib/server/put-media/put-media-error.js';
import type {
	ProducerHeader,
	PutMediaHandler,
	ReceivedFragment,
} from '#lib/server/put-media/put-media-handler.js';
import { PutMediaReader } from '#lib/server/put-media/put-media-reader.js';

/** What became of one fragment. */
export interface RecordedFragment {
	readonly timecodeTicks: bigint;
	readonly leadingTags: Buffer;
	bytes: Buffer;
	/** `open` until its end was reported. */
	outcome: ReceivedFragment | 'dropped' | 'open';
}

/** Keeps all that a reader reports, and fails where it reports out of order. */
export class Recorder implements PutMediaHandler {
	producerHeader: ProducerHeader | null = null;
	readonly fragments: RecordedFragment[] = [];
	readonly #pieces: Buffer[] = [];

	header(header: ProducerHeader): void {
		if (this.producerHeader !== null) throw new Error('a second header');
		this.producerHeader = header;
	}

	fragmentStart(timecodeTicks: bigint, leadingTags: Uint8Array): void {
		if (this.producerHeader === null) throw new Error('a fragment before the header');
		if (this.fragments.at(-1)?.outcome === 'open') throw new Error('a fragment inside a fragment');
		this.fragments.push({
			timecodeTicks,
			leadingTags: Buffer.from(leadingTags),
			bytes: Buffer.alloc(0),
			outcome: 'open',
		});
	}

	bytes(bytes: Uint8Array): void {
		this.#open();
		this.#pieces.push(Buffer.from(bytes));
	}

	fragmentEnd(fragment: ReceivedFragment): void {
		this.#end(fragment);
	}

	fragmentDropped(): void {
		this.#end('dropped');
	}

	#end(outcome: ReceivedFragment | 'dropped'): void {
		const open = this.#open();
		open.bytes = Buffer.concat(this.#pieces.splice(0));
		open.outcome = outcome;
	}

	#open(): RecordedFragment {
		const open = this.fragments.at(-1);
		if (open?.outcome !== 'open') throw new Error('no fragment is open');
		return open;
	}
}

/** How a body ends. */
export type Ending = 'end' | 'lost' | 'none';

/** What a body comes to. */
export interface Reading extends Recorder {
	error: PutMediaError | null;
}

/** Reads a body in the pieces that it is given in. Throws what is not a {@link PutMediaError}. */
export function read(
	pieces: Iterable<Uint8Array>,
	{ ending = 'end', producerStartMs = null }: { ending?: Ending; producerStartMs?: number | null } = {},
): Reading {
	const recorder = Object.assign(new Recorder(), { error: null as PutMediaError | null });
	const reader = new PutMediaReader(recorder, { producerStartMs });
	try {
		for (const piece of pieces) reader.write(piece);
		if (ending === 'end') reader.end();
	} catch (error) {
		if (!(error instanceof PutMediaError)) throw error;
		recorder.error = error;
	}
	if (ending === 'lost') reader.lost();
	return recorder;
}

/** A body in pieces of so many bytes. Each has memory of its own, which is overwritten after it was read. */
export function* piecesOf(body: Uint8Array, sizeBytes: number): Generator<Uint8Array> {
	const piece = Buffer.alloc(sizeBytes);
	for (let at = 0; at < body.byteLength; at += sizeBytes) {
		const end = Math.min(body.byteLength, at + sizeBytes);
		piece.set(body.subarray(at, end));
		yield piece.subarray(0, end - at);
	}
}

/** The reading as plain data, to be compared. How much came of a fragment until it was dropped depends on the pieces. */
export function outline({ producerHeader, fragments, error }: Reading): object {
	return {
		header: producerHeader && {
			bytes: Buffer.from(producerHeader.bytes).toString('hex'),
			scale: producerHeader.timecodeScaleNs,
			tracks: producerHeader.tracks.map(({ number }) => number),
		},
		fragments: fragments.map(({ timecodeTicks, leadingTags, bytes, outcome }) => ({
			timecodeTicks,
			leadingTags: leadingTags.toString('hex'),
			bytes: outcome === 'dropped' ? '' : bytes.toString('hex'),
			outcome,
		})),
		error: error && { id: error.errorId, timecodeTicks: error.timecodeTicks, message: error.message },
	};
}
