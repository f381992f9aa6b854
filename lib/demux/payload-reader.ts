import { MediaError } from '../errors.js';
import { MatroskaParser } from '../mkv/parser/matroska-parser.js';
import type { MediaEvent } from '../model/media-event.js';
import type { DemuxContext } from './demux-context.js';
import { DocumentBytes } from './document-bytes.js';
import { type AssemblerOptions, FragmentAssembler } from './fragment-assembler.js';

/** Options of {@link PayloadReader}. */
export interface PayloadReaderOptions extends Omit<AssemblerOptions, 'documents'> {
	/** Continues at the next document where bytes are malformed, instead of throwing. @default false */
	readonly resync?: boolean;
	/** Where bytes are malformed, ends the fragment with a failure before it throws; otherwise `fail` does. @default false */
	readonly failsFragment?: boolean;
	/** Gives the bytes of each fragment with its `fragment-end`. Not together with `resync`. @default false */
	readonly keepDocuments?: boolean;
}

/** Reads one payload into events, chunk by chunk: a {@link MatroskaParser} that reports into a {@link FragmentAssembler}. */
export class PayloadReader {
	readonly #parser: MatroskaParser;
	readonly #assembler: FragmentAssembler;
	readonly #resyncs: boolean;
	readonly #failsFragment: boolean;
	readonly #documents: DocumentBytes | null;

	constructor(
		context: DemuxContext,
		{ resync = false, failsFragment = false, keepDocuments = false, ...options }: PayloadReaderOptions = {},
	) {
		this.#documents = keepDocuments ? new DocumentBytes() : null;
		this.#assembler = new FragmentAssembler(context, { ...options, documents: this.#documents });
		this.#parser = new MatroskaParser(this.#assembler);
		this.#resyncs = resync;
		this.#failsFragment = failsFragment;
	}

	/**
	 * The events that `chunk` completes, in arrays of bounded length. Throws {@link MediaError} where the bytes are
	 * malformed, after the events before that place were yielded. With `resync` it does not throw: the failure is one of the
	 * events, and the next document follows it.
	 */
	write(chunk: Uint8Array): Generator<MediaEvent[]> {
		this.#documents?.add(chunk);
		return this.#read(chunk);
	}

	/**
	 * The events of the end of the payload. `cut` says that the transport ended before its time: then a fragment whose
	 * elements are of unknown size has failed too, though its bytes cannot tell. Throws as `write` does.
	 */
	*end(cut: Error | null = null): Generator<MediaEvent[]> {
		let isOver = false;
		while (!isOver) {
			if (this.#parser.release()) yield* this.#read(null);
			const truncation = this.#parser.end(cut !== null);
			const error = cut ?? truncation;
			// A document that is over by its own sizes is whole, whatever became of the transport.
			if (error !== null && this.#assembler.isOpen) {
				this.#assembler.failDocument('TRUNCATED', error, this.#parser.offset);
			}
			yield* this.#rest();
			// An element that is too large may have taken in whole documents.
			isOver = truncation === null || !this.#resyncs || !this.#parser.resync();
			if (!isOver) yield* this.#read(null);
		}
	}

	/** Ends the fragment that is being read with a failure, if there is one. No more bytes may be written. */
	*fail(name: string, error: Error): Generator<MediaEvent[]> {
		const offset = error instanceof MediaError ? error.offset : null;
		if (this.#assembler.isOpen) {
			this.#assembler.failDocument(name, error, offset ?? this.#parser.offset);
		}
		yield* this.#rest();
	}

	/** Reads the next chunk, or goes on with the last one. */
	*#read(chunk: Uint8Array | null): Generator<MediaEvent[]> {
		const assembler = this.#assembler;
		let next = chunk;
		let isOver = false;
		let error: unknown = null;
		while (error === null && (!isOver || assembler.isBehind)) {
			try {
				if (assembler.isBehind) {
					assembler.catchUp();
				} else {
					const unread = next;
					next = null;
					isOver = unread === null ? this.#parser.resume() : this.#parser.write(unread);
				}
			} catch (thrown) {
				if (this.#resyncs && thrown instanceof MediaError) {
					assembler.failDocument('MALFORMED', thrown, thrown.offset);
					this.#parser.resync();
				} else {
					error = thrown;
				}
			}
			if (assembler.isFull || isOver || error !== null) {
				const events = assembler.take();
				if (events.length > 0) yield events;
			}
		}
		if (error === null) return;
		if (this.#failsFragment && error instanceof MediaError) yield* this.fail('MALFORMED', error);
		throw error;
	}

	*#rest(): Generator<MediaEvent[]> {
		const events = this.#assembler.take();
		if (events.length > 0) yield events;
	}
}
