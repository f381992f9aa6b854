import { createHash } from 'node:crypto';
import { idOf, nameOf } from '#lib/ebml/ebml-schema.js';
import { childrenOf, readString } from '#lib/ebml/element-body.js';
import { type ElementHeader, readElementHeader } from '#lib/ebml/element-header.js';
import type { Box } from '#lib/mp4/box.js';
import { readBoxes } from '#lib/mp4/box-tree.js';
import type { Normalised } from './normalised-response.js';
import type { Placeholders } from './placeholders.js';

/** What a record keeps of media: never a byte of it. */
export interface MediaStructure {
	readonly body: Normalised;
	readonly notes: { readonly [name: string]: Normalised };
}

const SERVICE_PREFIX = 'AWS_KINESISVIDEO_';
const FRAGMENT_NUMBER = `${SERVICE_PREFIX}FRAGMENT_NUMBER`;

/** The structure of a body by its first bytes; null for one that holds no media. `chunks`: as many of Matroska are looked at. */
export function mediaStructure(
	body: Buffer,
	placeholders: Placeholders,
	chunks = Number.POSITIVE_INFINITY,
): MediaStructure | null {
	const facts = { bytes: body.byteLength, sha256: createHash('sha256').update(body).digest('hex') };
	if (body.readUInt32BE(0) === idOf('EBML')) {
		const documents = matroskaDocuments(body, placeholders);
		return { body: { Matroska: documents.slice(0, chunks) }, notes: { ...facts, chunks: documents.length } };
	}
	const type = body.toString('latin1', 4, 8);
	if (/^(?:ftyp|styp|moof|moov)$/.test(type)) {
		return { body: { MP4: readBoxes(body).map(boxNames) }, notes: facts };
	}
	if (body[0] === 0x47 && body.byteLength % 188 === 0) return { body: 'MPEG-TS', notes: facts };
	return null;
}

/** A box's name, and those within it, each once: how many samples and tracks there are is the stream's. */
function boxNames({ type, children }: Box): Normalised {
	if (children.length === 0) return type;
	return {
		[type]: [...new Set(children.map((child) => JSON.stringify(boxNames(child))))].map((text) =>
			JSON.parse(text),
		),
	};
}

/** Elements within those whose size is unknown, at the level of a Segment's children. */
const SEGMENT_ID = idOf('Segment');
const CLUSTER_ID = idOf('Cluster');
const TAGS_ID = idOf('Tags');

/**
 * What each chunk is made of, in order. What a producer sent is its own business, and stands there as `producer`; the service's
 * tags with the width of their sizes, and the fragment by its place in the sample.
 */
function matroskaDocuments(body: Buffer, placeholders: Placeholders): Normalised[] {
	const documents: Normalised[][] = [];
	const header: ElementHeader = { id: 0, size: 0, length: 0 };
	let at = 0;
	while (readElementHeader(body, at, body.byteLength, header)) {
		const { id, size, length } = header;
		const from = at + length;
		const isUnknown = size < 0;
		const end =
			isUnknown || id === SEGMENT_ID || id === CLUSTER_ID ? from : Math.min(body.byteLength, from + size);
		const whole = Math.min(body.byteLength, from + Math.max(0, size));
		at = id === CLUSTER_ID && !isUnknown ? whole : end;
		if (id === idOf('EBML')) documents.push([]);
		const chunk = documents.at(-1);
		if (chunk === undefined) break;
		const items = describe(id, body.subarray(from, end), { isUnknown, placeholders });
		// What stands after the media differs between producers.
		const isAfterMedia = chunk.includes('Cluster');
		for (const item of items) {
			if (chunk.at(-1) !== item && !(isAfterMedia && item === 'producer')) chunk.push(item);
		}
	}
	return documents;
}

function describe(
	id: number,
	body: Uint8Array,
	{ isUnknown, placeholders }: { readonly isUnknown: boolean; readonly placeholders: Placeholders },
): Normalised[] {
	if (id === idOf('EBML')) return ['EBML'];
	if (id === SEGMENT_ID) return [`Segment${isUnknown ? ' of unknown size' : ''}`];
	if (id === CLUSTER_ID) return ['Cluster'];
	// Frames of a Cluster of unknown size.
	if (/^(?:SimpleBlock|BlockGroup|Timecode|Timestamp|Position|PrevSize)$/.test(nameOf(id))) return [];
	if (id !== TAGS_ID) return ['producer'];
	const tags = serviceTags(body, placeholders);
	return tags === null ? ['producer'] : [tags];
}

function serviceTags(body: Uint8Array, placeholders: Placeholders): Normalised | null {
	const values: [string, string][] = [];
	const widths = new Set<number>();
	for (const tag of childrenOf(body)) {
		if (nameOf(tag.id) !== 'Tag') continue;
		for (const simple of childrenOf(tag.body)) {
			if (nameOf(simple.id) === 'Targets') values.push(['Targets', 'present']);
			if (nameOf(simple.id) !== 'SimpleTag') continue;
			const fields = [...childrenOf(simple.body)];
			const text = (name: string): string => {
				const field = fields.find(({ id }) => nameOf(id) === name);
				return field === undefined ? '' : readString(field);
			};
			widths.add(sizeWidth(simple.body));
			values.push([text('TagName'), text('TagString')]);
		}
	}
	if (!values.some(([name]) => name.startsWith(SERVICE_PREFIX))) return null;
	const shown = values.map(([name, value]): [string, Normalised] => [
		name,
		name === FRAGMENT_NUMBER || name.endsWith('CONTINUATION_TOKEN')
			? (placeholders.nameOfFragment(value) ?? '<fragment number>')
			: shapeOf(name, value),
	]);
	return { ...Object.fromEntries(shown), 'bytes of sizes': [...widths] };
}

/** Names and numbers of errors are kept, all else is a shape. */
function shapeOf(name: string, value: string): string {
	if (/(?:ERROR|EXCEPTION)_/.test(name)) return /^[A-Z_\d]{1,40}$/.test(value) ? value : '<text>';
	if (/^\d+\.\d{3}$/.test(value)) return '<seconds with three digits>';
	return /^\d+$/.test(value) ? '<whole number>' : '<text>';
}

/** How many bytes the size of the first child takes. */
function sizeWidth(body: Uint8Array): number {
	const header: ElementHeader = { id: 0, size: 0, length: 0 };
	if (!readElementHeader(body, 0, body.byteLength, header)) return 0;
	return header.length - (header.id > 0xff ? 2 : 1);
}
