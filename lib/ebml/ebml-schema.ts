import { ELEMENTS } from './ebml-elements.js';

const idsByName = new Map(ELEMENTS.map(([id, name]) => [name, id]));
const elementsById = new Map(ELEMENTS.map((row) => [row[0], row]));

/** The EBML id of an element by its Matroska name, with its marker bits, as it stands in a file. */
export function idOf(name: string): number {
	const id = idsByName.get(name);
	if (id === undefined) throw new TypeError(`no Matroska element is called \`${name}\``);
	return id;
}

/** The Matroska name of an element, or its id in hexadecimal where the schema has none. */
export function nameOf(id: number): string {
	return elementsById.get(id)?.[1] ?? `0x${id.toString(16)}`;
}

const topLevelIds = new Set(
	ELEMENTS.filter(([, , level, isMaster]) => isMaster && (level === 0 || level === 1)).map(([id]) => id),
);

/**
 * Whether an element may stand only in a Segment or outside of it. Such an element ends a Cluster of unknown size
 * (RFC 8794 §6.2).
 */
export function endsCluster(id: number): boolean {
	return topLevelIds.has(id);
}

/** Whether the schema has an element of that id. */
export function isKnown(id: number): boolean {
	return elementsById.has(id);
}

/** Whether an element may stand anywhere: Void and CRC-32, and what the drafts of EBML had for signatures. */
export function isGlobal(id: number): boolean {
	const name = elementsById.get(id)?.[1] ?? '';
	return elementsById.get(id)?.[2] === -1 || name.startsWith('Signature');
}

/** Whether an element may hold others: a master element, or one that the schema does not have. */
export function isMasterOrUnknown(id: number): boolean {
	const element = elementsById.get(id);
	return element === undefined || element[3];
}

/** The ids that are met while a payload is read, as constants. */
export const ID = {
	EBML: idOf('EBML'),
	DocType: idOf('DocType'),
	Segment: idOf('Segment'),
	Info: idOf('Info'),
	TimecodeScale: idOf('TimecodeScale'),
	Tracks: idOf('Tracks'),
	Tags: idOf('Tags'),
	Attachments: idOf('Attachments'),
	Cluster: idOf('Cluster'),
	Timecode: idOf('Timecode'),
	SimpleBlock: idOf('SimpleBlock'),
	BlockGroup: idOf('BlockGroup'),
	Block: idOf('Block'),
	BlockDuration: idOf('BlockDuration'),
	ReferenceBlock: idOf('ReferenceBlock'),
	Void: idOf('Void'),
	Crc32: idOf('CRC-32'),
} as const;
