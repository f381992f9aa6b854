import { MAX_ELEMENT_HEADER_BYTES, malformed } from '../../ebml/element-header.js';
import type { MediaError } from '../../errors.js';
import type { AckErrorId } from '../wire/ack-error-name.js';
import { FragmentTags } from './fragment-tags.js';
import { GrowingBytes } from './growing-bytes.js';
import { OpenFragment } from './open-fragment.js';
import { producerMsOf } from './producer-time.js';
import { PutMediaError } from './put-media-error.js';
import type { ProducerHeader, PutMediaHandler } from './put-media-handler.js';
import {
	MAX_BYTES_BETWEEN_FRAGMENTS,
	MAX_CLUSTER_HEAD_BYTES,
	MAX_LEADING_TAGS_BYTES,
	MAX_TAGS_BYTES,
} from './put-media-limits.js';

/**
 * The fragments of a body, one after the other: the one that is open, what waits for the next one (Tags before its Cluster,
 * what its Cluster has before the Timecode), and what one leaves for the next to keep to. Reports each to the handler.
 */
export class FragmentSequence {
	readonly #handler: PutMediaHandler;
	readonly #producerStartMs: number | null;
	#header: ProducerHeader | null = null;
	#open: OpenFragment | null = null;
	#clusterOffset = 0;
	#previousMaxTicks: bigint | null = null;
	#nextTags = new FragmentTags();
	#tags = new FragmentTags();
	readonly #leading = new GrowingBytes();
	/** As much as these can come to: their bytes come later than they are announced. */
	#claimedBytes = 0;
	readonly #head = new GrowingBytes();
	#skippedBytes = 0;

	constructor(handler: PutMediaHandler, producerStartMs: number | null) {
		this.#handler = handler;
		this.#producerStartMs = producerStartMs;
	}

	/** Whether a fragment was begun that has not ended. */
	get isOpen(): boolean {
		return this.#open !== null;
	}

	/** The producer's header is whole. */
	begin(header: ProducerHeader): void {
		this.#header = header;
		this.#handler.header(header);
	}

	/** A Cluster begins there; its fragment does with its Timecode. */
	clusterBegins(offset: number): void {
		this.#clusterOffset = offset;
		this.#skippedBytes = 0;
		this.#claimedBytes = 0;
	}

	/** Bytes of the Cluster before its Timecode, which are copied. */
	appendHead(bytes: Uint8Array): void {
		this.#head.append(bytes);
	}

	/** An element that comes before the Timecode ends there. Throws `MediaError` for more than is held. */
	checkHead(endOffset: number): void {
		if (endOffset - this.#clusterOffset <= MAX_CLUSTER_HEAD_BYTES) return;
		throw malformed(
			`a Cluster with more than ${MAX_CLUSTER_HEAD_BYTES} bytes before its Timecode`,
			this.#clusterOffset,
		);
	}

	/** The Timecode is known: the fragment begins. Throws {@link PutMediaError} 4007. */
	start(timecodeTicks: bigint): void {
		const header = this.#header as ProducerHeader;
		const producerMs = producerMsOf(timecodeTicks, header.timecodeScaleNs, this.#producerStartMs);
		if (producerMs === null) {
			throw new PutMediaError(
				4007,
				timecodeTicks,
				`a timecode of ${timecodeTicks} ticks of ${header.timecodeScaleNs} ns, which is a time before 1970 or too late to be stored`,
			);
		}
		const leadingTags = this.#leading.take();
		this.#tags = this.#nextTags;
		this.#nextTags = new FragmentTags();
		this.#open = new OpenFragment({
			header,
			timecodeTicks,
			producerMs,
			offset: this.#clusterOffset,
			leadingBytes: leadingTags.byteLength,
			tags: this.#tags,
			previousMaxTicks: this.#previousMaxTicks,
		});
		this.#handler.fragmentStart(timecodeTicks, leadingTags);
		this.#handler.bytes(this.#head.take());
	}

	/** See {@link OpenFragment.block}. A fragment is open. */
	block(bytes: Uint8Array, start: number, end: number, offset: number): void {
		(this.#open as OpenFragment).block(bytes, start, end, offset);
	}

	/** See {@link OpenFragment.checkSize}. A fragment is open. */
	checkSize(endOffset: number): void {
		(this.#open as OpenFragment).checkSize(endOffset);
	}

	/** A Tags element of that size ends there. Throws {@link PutMediaError} 4009 for more than is held, 4001. */
	beginTags(sizeBytes: number, endOffset: number): void {
		if (sizeBytes > MAX_TAGS_BYTES) {
			throw this.refused(4009, `expected Tags of at most ${MAX_TAGS_BYTES} bytes, got ${sizeBytes}`);
		}
		if (this.#open !== null) {
			this.#open.checkSize(endOffset);
			return;
		}
		this.#claimedBytes += MAX_ELEMENT_HEADER_BYTES + sizeBytes;
		if (this.#claimedBytes > MAX_LEADING_TAGS_BYTES) {
			throw this.refused(
				4009,
				`expected at most ${MAX_LEADING_TAGS_BYTES} bytes of Tags before a Cluster, got more`,
			);
		}
	}

	/** The body of a Tags element, as {@link FragmentTags.add}: of the open fragment, else of the next one. */
	tags(body: Uint8Array, offset: number): boolean {
		if (this.#open === null) return this.#nextTags.add(body, 'before', offset, null) && false;
		return this.#tags.add(body, 'after', offset, this.#open.timecodeTicks);
	}

	/** Bytes of Tags before a Cluster, which are copied. */
	appendLeading(bytes: Uint8Array): void {
		this.#leading.append(bytes);
	}

	/** An element between two fragments that belongs to none. Throws `MediaError` for too many bytes of such. */
	skip(sizeBytes: number, offset: number): void {
		this.#skippedBytes += MAX_ELEMENT_HEADER_BYTES + sizeBytes;
		if (this.#skippedBytes <= MAX_BYTES_BETWEEN_FRAGMENTS) return;
		throw malformed(`more than ${MAX_BYTES_BETWEEN_FRAGMENTS} bytes between two fragments`, offset);
	}

	/** The open fragment, if there is one, ends there. Throws as {@link OpenFragment.finish}; it is open then still. */
	end(offset: number): void {
		if (this.#open === null) return;
		const fragment = this.#open.finish(offset);
		this.#open = null;
		this.#previousMaxTicks = fragment.maxTicks;
		this.#handler.fragmentEnd(fragment);
	}

	/** Drops the open fragment, if there is one. Returns what is wrong as the error of an acknowledgement. */
	fail(error: PutMediaError | MediaError): PutMediaError {
		const failure =
			error instanceof PutMediaError ? error : this.refused(4006, error.message, { cause: error });
		if (this.#open !== null) {
			this.#open = null;
			this.#handler.fragmentDropped();
		}
		return failure;
	}

	/** An error about the open fragment, or about none. */
	refused(errorId: AckErrorId, message: string, options?: ErrorOptions): PutMediaError {
		return new PutMediaError(errorId, this.#open?.timecodeTicks ?? null, message, options);
	}
}
