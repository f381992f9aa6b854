import { endsCluster, ID, isGlobal, nameOf } from '../../ebml/ebml-schema.js';
import { elementHeader } from '../../ebml/ebml-writer.js';
import { readUnsigned, viewOf } from '../../ebml/element-body.js';
import { malformed } from '../../ebml/element-header.js';
import { MediaError } from '../../errors.js';
import { IN_CLUSTER, IN_SEGMENT, maxCollectedBytes } from '../../mkv/parser/element-place.js';
import { ElementNesting, ONCE_ONLY } from './element-nesting.js';
import { ElementScanner, ENTER, PASS } from './element-scanner.js';
import { FragmentSequence } from './fragment-sequence.js';
import { HeaderBuilder } from './header-builder.js';
import { BLOCK_HEAD_BYTES } from './open-fragment.js';
import { PutMediaError } from './put-media-error.js';
import type { PutMediaHandler } from './put-media-handler.js';

/** Where bytes go. */
type Sink = (bytes: Uint8Array) => void;

/** What {@link PutMediaReader} must know of the request. */
export interface PutMediaReaderOptions {
	/** Start on the producer's clock that is added to timecodes (RELATIVE), epoch milliseconds; null where they are absolute. */
	readonly producerStartMs: number | null;
}

/**
 * Reads the body of PutMedia from chunks, cut anywhere, in one pass, and holds it to the service's rules; reports fragment by
 * fragment into a {@link PutMediaHandler}, synchronously. Media passes through: only the first bytes of each block are looked at.
 *
 * A fragment is one Cluster with the Tags and other elements that follow it. It ends at the next Cluster, with the Tags that
 * hold AWS_KINESISVIDEO_END_OF_FRAGMENT, with the Segment, with the body, or when the caller says so ({@link closeFull}).
 * Tags that come after that belong to the next one; what else comes there is skipped.
 */
export class PutMediaReader {
	readonly #scanner: ElementScanner;
	readonly #header = new HeaderBuilder();
	readonly #fragments: FragmentSequence;
	readonly #open = new ElementNesting();
	/** The element that the scanner reported last. */
	#id = 0;
	#bodyOffset = 0;
	readonly #toHeader: Sink = (bytes) => this.#header.append(bytes);
	readonly #toLeadingTags: Sink = (bytes) => this.#fragments.appendLeading(bytes);
	readonly #toClusterHead: Sink = (bytes) => this.#fragments.appendHead(bytes);
	readonly #toFragment: Sink;
	readonly #toNothing: Sink = () => {};
	#sink: Sink = this.#toHeader;
	#failure: PutMediaError | null = null;

	constructor(handler: PutMediaHandler, { producerStartMs }: PutMediaReaderOptions) {
		this.#fragments = new FragmentSequence(handler, producerStartMs);
		this.#toFragment = (bytes) => handler.bytes(bytes);
		this.#scanner = new ElementScanner({
			element: (id, sizeBytes, offset, bodyOffset) => this.#element(id, sizeBytes, offset, bodyOffset),
			body: (bytes, start, end) => this.#body(bytes, start, end),
			notAnElement: (error) => this.#notAnElement(error),
			bytes: (bytes) => this.#sink(bytes),
		});
	}

	/** Whether an EBML header was seen, with which every body begins. */
	get hasBegun(): boolean {
		return this.#open.place !== 'start';
	}

	/**
	 * Whether the open fragment's Cluster is of known size and full, so that only Tags can still come to it. The service closes
	 * such a fragment after 100 ms of silence: {@link closeFull}.
	 */
	get isFull(): boolean {
		return this.#isWhole && this.#open.isClusterSizeKnown && !this.#scanner.isInHeader;
	}

	/**
	 * The next bytes of the body. Throws {@link PutMediaError} at the first thing that is wrong, after `fragmentDropped` where a
	 * fragment is open; no more can be read after that, and the same error is thrown again.
	 */
	write(bytes: Uint8Array): void {
		this.#guard(() => {
			this.#scanner.write(bytes);
			if (!this.#scanner.isInBody) this.#leaveFull(this.#scanner.offset);
		});
	}

	/** Closes the fragment where {@link isFull} is true, else does nothing. Throws as {@link write}. */
	closeFull(): void {
		this.#guard(() => {
			if (this.isFull) this.#fragments.end(this.#scanner.offset);
		});
	}

	/**
	 * The body is over, and was received as a whole: what is open ends. Throws {@link PutMediaError} 4000 where that is inside an
	 * element, 4006 where no Cluster came; else as {@link write}.
	 */
	end(): void {
		this.#guard(() => {
			const { offset, isInBody, isInHeader } = this.#scanner;
			const cut = isInBody ? nameOf(this.#id) : isInHeader ? "an element's header" : this.#open.unfinished;
			if (cut === null && this.#open.place === 'cluster') this.#leaveCluster(offset);
			if (this.#isWhole) this.#fragments.end(offset);
			if (cut !== null) throw this.#fragments.refused(4000, `the body ends inside ${cut} at byte ${offset}`);
			if (this.#open.isBeforeClusters) throw malformed('a body that ends before its first Cluster', offset);
		});
	}

	/**
	 * The connection broke off. A fragment whose end is known (its Cluster is full, or something came after it) is closed, if it
	 * keeps the rules; any other is dropped. Nothing is thrown, as nothing can be acknowledged any more.
	 */
	lost(): void {
		if (this.#failure !== null) return;
		try {
			this.#guard(() => {
				if (this.#isWhole) this.#fragments.end(this.#scanner.offset);
				throw this.#fragments.refused(4000, 'the connection was lost');
			});
		} catch (error) {
			if (!(error instanceof PutMediaError)) throw error;
		}
	}

	#element(id: number, sizeBytes: number, offset: number, bodyOffset: number): number {
		this.#leaveFull(offset);
		this.#id = id;
		this.#bodyOffset = bodyOffset;
		if (sizeBytes < 0 && id !== ID.Segment && id !== ID.Cluster) {
			throw malformed(`${nameOf(id)} may not be of unknown size`, offset);
		}
		const isInUnsizedCluster = this.#open.place === 'cluster' && !this.#open.isClusterSizeKnown;
		if (isInUnsizedCluster && endsCluster(id)) this.#leaveCluster(offset);
		const end = sizeBytes < 0 ? Number.POSITIVE_INFINITY : bodyOffset + sizeBytes;
		if (sizeBytes >= 0 && end > this.#open.end) {
			throw malformed(`${nameOf(id)} of size ${sizeBytes} exceeds its parent element`, offset);
		}
		switch (this.#open.place) {
			case 'start':
				if (id !== ID.EBML) throw malformed(`expected an EBML header, got ${nameOf(id)}`, offset);
				this.#open.place = 'before-segment';
				return this.#headerElement(id, sizeBytes, offset);
			case 'before-segment':
				if (id === ID.Segment) return this.#segment(end);
				if (!isGlobal(id)) throw malformed(`expected a Segment, got ${nameOf(id)}`, offset);
				return this.#headerElement(id, sizeBytes, offset);
			case 'header':
				return this.#earlyChild(id, sizeBytes, offset, end);
			case 'between-clusters':
				return this.#laterChild(id, sizeBytes, offset, end);
			case 'cluster':
				return this.#clusterChild(id, sizeBytes, offset, end);
			case 'group':
				return this.#groupChild(id, sizeBytes, offset);
			case 'after-segment':
				throw malformed(`${nameOf(id)} after the end of the Segment`, offset);
		}
	}

	#body(bytes: Uint8Array, start: number, end: number): void {
		const [id, offset] = [this.#id, this.#bodyOffset];
		if (id === ID.SimpleBlock || id === ID.Block) {
			this.#fragments.block(bytes, start, end, offset);
			return;
		}
		const body = viewOf(bytes, start, end);
		if (id === ID.Timecode) {
			this.#scanner.deliver();
			this.#fragments.start(readUnsigned({ id, body, offset }));
			this.#passTo(this.#toFragment);
		} else if (id === ID.Tags) {
			if (this.#fragments.tags(body, offset)) this.#endFragment(this.#scanner.offset);
		} else this.#header.read(id, body, offset);
	}

	/** Garbage does no harm to a fragment that came whole before it. */
	#notAnElement(error: MediaError): never {
		this.#leaveFull(this.#scanner.offset);
		if (this.#isWhole) this.#endFragment(this.#scanner.offset);
		throw error;
	}

	#segment(end: number): number {
		this.#open.enterSegment(end);
		if (!this.#open.isSegmentSizeKnown) return ENTER;
		this.#passTo(this.#toNothing);
		this.#header.append(elementHeader('Segment', 0, { isSizeUnknown: true }));
		return ENTER;
	}

	/** A child of the Segment before its first Cluster. */
	#earlyChild(id: number, sizeBytes: number, offset: number, end: number): number {
		if (id === ID.Cluster) {
			this.#scanner.deliver();
			this.#fragments.begin(this.#header.finish(offset));
			return this.#cluster(offset, end);
		}
		if (id === ID.Tags) return this.#tags(sizeBytes, end);
		if (id === ID.EBML || id === ID.Segment) throw malformed(`${nameOf(id)} inside a Segment`, offset);
		maxCollectedBytes(IN_SEGMENT, id, offset);
		return this.#headerElement(id, sizeBytes, offset);
	}

	#headerElement(id: number, sizeBytes: number, offset: number): number {
		this.#passTo(this.#toHeader);
		return this.#header.begin(id, sizeBytes, offset) ? sizeBytes : PASS;
	}

	/** A child of the Segment after a Cluster: it belongs to that one's fragment, as long as it is open. */
	#laterChild(id: number, sizeBytes: number, offset: number, end: number): number {
		if (id === ID.Tags) return this.#tags(sizeBytes, end);
		if (id === ID.Cluster || ONCE_ONLY.has(id)) this.#endFragment(offset);
		if (id === ID.Cluster) return this.#cluster(offset, end);
		if (ONCE_ONLY.has(id)) throw malformed(`${nameOf(id)} after a Cluster`, offset);
		maxCollectedBytes(IN_SEGMENT, id, offset);
		if (this.#fragments.isOpen) this.#fragments.checkSize(end);
		else {
			this.#fragments.skip(sizeBytes, offset);
			this.#passTo(this.#toNothing);
		}
		return PASS;
	}

	#tags(sizeBytes: number, end: number): number {
		this.#fragments.beginTags(sizeBytes, end);
		if (!this.#fragments.isOpen) this.#passTo(this.#toLeadingTags);
		return sizeBytes;
	}

	#cluster(offset: number, end: number): number {
		this.#open.enterCluster(end);
		this.#fragments.clusterBegins(offset);
		this.#passTo(this.#toClusterHead);
		return ENTER;
	}

	#clusterChild(id: number, sizeBytes: number, offset: number, end: number): number {
		if (id === ID.EBML || endsCluster(id)) throw malformed(`${nameOf(id)} inside a Cluster`, offset);
		const maxBytes = maxCollectedBytes(IN_CLUSTER, id, offset);
		const { isOpen } = this.#fragments;
		if (id === ID.Timecode) {
			if (isOpen) throw malformed('a second Timecode in a Cluster', offset);
			if (sizeBytes > maxBytes) throw malformed(`a Timecode of ${sizeBytes} bytes`, offset);
			return sizeBytes;
		}
		if (!isOpen && maxBytes > 0) throw malformed("a block before its Cluster's Timecode", offset);
		if (isOpen) this.#fragments.checkSize(end);
		else this.#fragments.checkHead(end);
		if (id === ID.SimpleBlock) return Math.min(sizeBytes, BLOCK_HEAD_BYTES);
		if (id !== ID.BlockGroup) return PASS;
		this.#open.enterGroup(end);
		return ENTER;
	}

	#groupChild(id: number, sizeBytes: number, offset: number): number {
		if (id !== ID.Block) return PASS;
		this.#open.noteGroupBlock(offset);
		return Math.min(sizeBytes, BLOCK_HEAD_BYTES);
	}

	/** Leaves what is full at `offset`, where an element ends. */
	#leaveFull(offset: number): void {
		const wasInCluster = this.#open.place === 'cluster' || this.#open.place === 'group';
		this.#open.leaveFull(offset);
		if (wasInCluster && this.#open.place === 'between-clusters') this.#leaveCluster(offset);
		if (!this.#open.isSegmentFull(offset)) return;
		if (this.#open.place === 'header') throw malformed('a Segment without a Cluster', offset);
		this.#endFragment(offset);
		this.#open.place = 'after-segment';
	}

	#leaveCluster(offset: number): void {
		if (!this.#fragments.isOpen) throw malformed('a Cluster without a Timecode', offset);
		this.#open.leaveCluster();
	}

	#endFragment(offset: number): void {
		this.#scanner.deliver();
		this.#fragments.end(offset);
	}

	/** Whether a fragment is open to which nothing more has to come. */
	get #isWhole(): boolean {
		return this.#open.place === 'between-clusters' && this.#fragments.isOpen && !this.#scanner.isInBody;
	}

	/** Where bytes go from here on. */
	#passTo(sink: Sink): void {
		if (sink !== this.#sink) this.#scanner.deliver();
		this.#sink = sink;
	}

	/** Runs a step; where something is wrong in it, the open fragment is dropped. */
	#guard(step: () => void): void {
		if (this.#failure !== null) throw this.#failure;
		try {
			step();
		} catch (error) {
			if (!(error instanceof PutMediaError) && !(error instanceof MediaError)) throw error;
			this.#failure = this.#fragments.fail(error);
			throw this.#failure;
		}
	}
}
