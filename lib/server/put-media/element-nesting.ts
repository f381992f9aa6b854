import { ID } from '../../ebml/ebml-schema.js';
import { malformed } from '../../ebml/element-header.js';

/** What must not come again after the first Cluster. */
export const ONCE_ONLY: ReadonlySet<number> = new Set([ID.EBML, ID.Segment, ID.Info, ID.Tracks]);

/** Where in a body an element stands: what may come there, and where its bytes go. */
export type Place =
	| 'start'
	| 'before-segment'
	| 'header'
	| 'cluster'
	| 'group'
	| 'between-clusters'
	| 'after-segment';

/** The elements that are open, and where each ends. Offsets count from the start of the body. */
export class ElementNesting {
	place: Place = 'start';
	#segmentEnd = Number.POSITIVE_INFINITY;
	#clusterEnd = Number.POSITIVE_INFINITY;
	#groupEnd = 0;
	#hasGroupBlock = false;

	/** Where the innermost open element ends. */
	get end(): number {
		if (this.place === 'group') return this.#groupEnd;
		if (this.place === 'cluster') return Math.min(this.#clusterEnd, this.#segmentEnd);
		return this.#segmentEnd;
	}

	/** Whether the producer said how long the Segment is. */
	get isSegmentSizeKnown(): boolean {
		return this.#segmentEnd < Number.POSITIVE_INFINITY;
	}

	/** Whether the producer said how long the Cluster is: the one that is open, or else the last one. */
	get isClusterSizeKnown(): boolean {
		return this.#clusterEnd < Number.POSITIVE_INFINITY;
	}

	/** Whether no Cluster has begun. */
	get isBeforeClusters(): boolean {
		return this.place === 'start' || this.place === 'before-segment' || this.place === 'header';
	}

	/** The innermost open element that says where it ends; null where none does. Between two elements. */
	get unfinished(): string | null {
		if (this.place === 'group') return 'a BlockGroup';
		if (this.place === 'cluster' && this.isClusterSizeKnown) return 'a Cluster';
		const isInSegment = this.place === 'cluster' || this.place === 'between-clusters';
		return isInSegment && this.isSegmentSizeKnown ? 'a Segment' : null;
	}

	enterSegment(end: number): void {
		this.place = 'header';
		this.#segmentEnd = end;
	}

	enterCluster(end: number): void {
		this.place = 'cluster';
		this.#clusterEnd = end;
	}

	enterGroup(end: number): void {
		this.place = 'group';
		this.#groupEnd = end;
		this.#hasGroupBlock = false;
	}

	/** A Block of the open BlockGroup. Throws `MediaError` for a second one. */
	noteGroupBlock(offset: number): void {
		if (this.#hasGroupBlock) throw malformed('a second Block in a BlockGroup', offset);
		this.#hasGroupBlock = true;
	}

	/** The Cluster is over. */
	leaveCluster(): void {
		this.place = 'between-clusters';
	}

	/** Leaves what is full at `offset`, which an element ends at, up to the Segment. Throws `MediaError` for a BlockGroup without a Block. */
	leaveFull(offset: number): void {
		if (this.place === 'group' && offset >= this.#groupEnd) {
			if (!this.#hasGroupBlock) throw malformed('a BlockGroup without a Block', offset);
			this.place = 'cluster';
		}
		if (this.place === 'cluster' && offset >= this.end) this.leaveCluster();
	}

	/** Whether the Segment is full at `offset`, where its children end. */
	isSegmentFull(offset: number): boolean {
		return offset >= this.#segmentEnd && (this.place === 'header' || this.place === 'between-clusters');
	}
}
