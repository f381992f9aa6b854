import { endsCluster, ID, nameOf } from '../../ebml/ebml-schema.js';
import { malformed } from '../../ebml/element-header.js';
import { counted } from '../../wording/counted.js';
import { IN_CLUSTER, IN_SEGMENT, OUTSIDE } from './element-place.js';

/**
 * The elements that a parser is inside of: a document, its Segment, a Cluster. Offsets count from the start of the payload.
 *
 * Their ends are known sizes, or, where a size is unknown, the first element that cannot be their child: an element of the
 * Segment's level ends a Cluster, an EBML header ends a Segment.
 */
export class OpenElements {
	#level = OUTSIDE;
	#hasDocument = false;
	#hasSegment = false;
	#segmentEnd = Number.POSITIVE_INFINITY;
	#clusterEnd = Number.POSITIVE_INFINITY;
	#isClusterSizeKnown = false;

	/** `OUTSIDE`, `IN_SEGMENT` or `IN_CLUSTER`. */
	get level(): number {
		return this.#level;
	}

	/** Where the Cluster ends; infinity where that is not known. */
	get clusterEnd(): number {
		return this.#clusterEnd;
	}

	/** Where the innermost open element ends; infinity where that is not known. */
	get end(): number {
		if (this.#level === IN_CLUSTER) return this.#clusterEnd;
		return this.#level === IN_SEGMENT ? this.#segmentEnd : Number.POSITIVE_INFINITY;
	}

	/** Leaves the elements of known size that end at `offset`. */
	closeFull(offset: number): void {
		if (this.#level === IN_CLUSTER && offset >= this.#clusterEnd) this.#level = IN_SEGMENT;
		if (this.#level === IN_SEGMENT && offset >= this.#segmentEnd) this.#level = OUTSIDE;
	}

	/** Leaves the elements that may not be the parents of an element. Throws where their sizes say that they are. */
	closeFor(id: number, offset: number): void {
		if (this.#level === IN_CLUSTER && endsCluster(id)) {
			if (this.#isClusterSizeKnown) throw malformed(`${nameOf(id)} inside a Cluster`, offset);
			this.#level = IN_SEGMENT;
		}
		if (this.#level === IN_SEGMENT && (id === ID.EBML || id === ID.Segment)) {
			if (Number.isFinite(this.#segmentEnd)) throw malformed(`${nameOf(id)} inside a Segment`, offset);
			this.#level = OUTSIDE;
		}
	}

	/** An EBML header begins. Returns whether a document ends there. */
	startDocument(offset: number): boolean {
		const { isInDocument } = this;
		if (isInDocument && !this.#hasSegment) throw malformed('a document without a Segment', offset);
		this.#hasDocument = true;
		this.#hasSegment = false;
		this.#level = OUTSIDE;
		return isInDocument;
	}

	/** Whether a document has begun and not ended. */
	get isInDocument(): boolean {
		return this.#hasDocument;
	}

	/** Leaves everything that is open. */
	closeAll(): void {
		this.#hasDocument = false;
		this.#level = OUTSIDE;
	}

	/** A Segment whose body is `size` bytes from `bodyOffset` on; -1 where its size is unknown. */
	startSegment(size: number, bodyOffset: number, offset: number): void {
		if (this.#level !== OUTSIDE) throw malformed('Segment inside another element', offset);
		if (!this.#hasDocument) throw malformed('expected an EBML header, got Segment', offset);
		if (this.#hasSegment) throw malformed('a second Segment in one document', offset);
		this.#level = IN_SEGMENT;
		this.#hasSegment = true;
		this.#segmentEnd = size < 0 ? Number.POSITIVE_INFINITY : bodyOffset + size;
	}

	/** A Cluster, likewise. */
	startCluster(size: number, bodyOffset: number, offset: number): void {
		this.#level = IN_CLUSTER;
		this.#isClusterSizeKnown = size >= 0;
		this.#clusterEnd = size < 0 ? this.#segmentEnd : bodyOffset + size;
		if (this.#clusterEnd > this.#segmentEnd)
			throw malformed(`Cluster of ${counted(size, 'byte')} exceeds its Segment`, offset);
	}

	/**
	 * What is open where the payload ends at `offset`, in words; null where it may end there. With `isCut` (the transport
	 * broke off) a Segment of unknown size counts as well.
	 */
	describe(offset: number, isCut: boolean): string | null {
		if (this.#level === IN_CLUSTER && this.#isClusterSizeKnown) {
			return `a Cluster (${counted(this.#clusterEnd - offset, 'byte is', 'bytes are')} missing)`;
		}
		if (this.#level !== OUTSIDE && Number.isFinite(this.#segmentEnd)) {
			return `a Segment (${counted(this.#segmentEnd - offset, 'byte is', 'bytes are')} missing)`;
		}
		if (this.#hasDocument && !this.#hasSegment) return 'a document (its Segment is missing)';
		return this.#level !== OUTSIDE && isCut ? 'a Segment of unknown size' : null;
	}
}
