import { type Box, box, boxHeader, bytesOfBox, container } from './box.js';
import { boxesAt, readBoxes } from './box-tree.js';
import type { SampleTable } from './sample-table.js';

/** What a {@link classicHead} is made of. */
export interface ClassicFile {
	/** `ftyp` and `moov` of a fragmented file, with durations and edit lists as they are at its end. */
	readonly init: Uint8Array;
	/** Of each track of the `moov`, in its order. */
	readonly tables: readonly SampleTable[];
	/** Size of all samples together. */
	readonly mediaBytes: number;
}

/**
 * The bytes before the samples of an MP4 or MOV file that is not fragmented: `ftyp`, `moov` with the tables of all samples,
 * and the header of `mdat`. The samples follow, each where its table says.
 */
export function classicHead({ init, tables, mediaBytes }: ClassicFile): Uint8Array[] {
	const boxes = readBoxes(init);
	const [ftyp] = boxesAt(boxes, 'ftyp') as [Box];
	const [moov] = boxesAt(boxes, 'moov') as [Box];
	const mdatHeader = boxHeader('mdat', mediaBytes);
	const headOf = (dataStart: number): Buffer =>
		Buffer.concat([bytesOfBox(ftyp), bytesOfBox(classicMoov(moov, tables, dataStart))]);
	// Positions of 64 bits make the head longer, and that only moves positions up: the second time it is settled.
	let head = headOf(0);
	for (let round = 0; round < 2; round++) head = headOf(head.byteLength + mdatHeader.byteLength);
	return [head, mdatHeader];
}

/** A `moov` without what it has for fragments, with the tables of all samples in the order of its tracks; they begin at `dataStart`. */
export function classicMoov(moov: Box, tables: readonly SampleTable[], dataStart: number): Box {
	let index = 0;
	const children = moov.children
		.filter(({ type }) => type !== 'mvex')
		.map((child) => {
			if (child.type !== 'trak') return child;
			return classicTrak(child, tables[index++] as SampleTable, dataStart);
		});
	return container('moov', children);
}

function classicTrak(trak: Box, table: SampleTable, dataStart: number): Box {
	const children = trak.children
		.filter(({ type }) => type !== 'free')
		.map((child) => {
			if (child.type === 'edts') return wholeEdit(child, trak);
			if (child.type !== 'mdia') return child;
			const media = child.children.map((part) => {
				if (part.type !== 'minf') return part;
				const information = part.children.map((inner) => {
					if (inner.type !== 'stbl') return inner;
					const [description] = boxesAt(inner.children, 'stsd') as [Box];
					return table.box(description, dataStart);
				});
				return container('minf', information);
			});
			return container('mdia', media);
		});
	return container('trak', children);
}

/** The last edit of a fragmented file goes on to the end; here the length of what it shows has to be said. */
function wholeEdit(edts: Box, trak: Box): Box {
	const [list] = boxesAt(edts.children, 'elst') as [Box];
	const [header] = boxesAt(trak.children, 'tkhd') as [Box];
	const fields = Buffer.from(list.fields);
	const durationMs = Buffer.from(header.fields).readBigUInt64BE(TKHD_DURATION);
	const last = fields.byteLength - EDIT_BYTES;
	const startMs = last > FIRST_EDIT ? fields.readBigUInt64BE(FIRST_EDIT) : 0n;
	fields.writeBigUInt64BE(durationMs - startMs, last);
	return container('edts', [box('elst', fields)]);
}

/** In version 1 of each, after the box's header (ISO 14496-12 §8.3.2, 8.6.6). */
const TKHD_DURATION = 28;
const FIRST_EDIT = 8;
const EDIT_BYTES = 20;
