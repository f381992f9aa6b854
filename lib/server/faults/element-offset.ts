import { ID } from '../../ebml/ebml-schema.js';
import { type ElementHeader, readElementHeader } from '../../ebml/element-header.js';
import type { cutElements } from './fault-rule.js';

type CutElement = (typeof cutElements)[number];

const ids: Readonly<Record<CutElement, readonly number[]>> = {
	EBML: [ID.EBML],
	Segment: [ID.Segment],
	Info: [ID.Info],
	Tracks: [ID.Tracks],
	Tags: [ID.Tags],
	Cluster: [ID.Cluster],
	Block: [ID.SimpleBlock, ID.BlockGroup],
};

/**
 * Offset in a chunk of the middle of the `count`-th element (from 1) of that kind; right after the header of a Segment or
 * a Cluster. Where the chunk has no such element: its own middle.
 */
export function insideElement(chunk: Uint8Array, name: CutElement, count: number): number {
	const header: ElementHeader = { id: 0, size: 0, length: 0 };
	let left = count;
	let offset = 0;
	while (readElementHeader(chunk, offset, chunk.byteLength, header)) {
		const isEntered = header.id === ID.Segment || header.id === ID.Cluster;
		const body = offset + header.length;
		if (ids[name].includes(header.id) && --left === 0) {
			return isEntered ? body : body + Math.floor(header.size / 2);
		}
		offset = isEntered ? body : body + header.size;
	}
	return Math.floor(chunk.byteLength / 2);
}
