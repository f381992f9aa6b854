import { idOf } from '../ebml/ebml-schema.js';
import { ElementCursor, endOfText, viewOf } from '../ebml/element-body.js';
import { malformed } from '../ebml/element-header.js';
import { RepeatedTexts } from '../ebml/repeated-texts.js';
import { utf8Reader } from '../model/bytes.js';
import type { Tag } from '../model/tag.js';
import { MAX_TAG_DEPTH, MAX_TAGS } from './limits.js';

const TAG = idOf('Tag');
const SIMPLE_TAG = idOf('SimpleTag');
const TAG_NAME = idOf('TagName');
const TAG_STRING = idOf('TagString');
const TAG_BINARY = idOf('TagBinary');

const names = new RepeatedTexts();
const NO_TAGS: readonly Tag[] = Object.freeze([]);

/**
 * The SimpleTags of a Tags element, in order. Where a SimpleTag has several values, each becomes a tag of that name, so
 * that none is lost.
 */
export function readTags(body: Uint8Array, position: Tag['position'], offset = 0): Tag[] {
	const reading: Reading = { textOf: utf8Reader(body), position, left: MAX_TAGS };
	const tags: Tag[] = [];
	const cursor = new ElementCursor(body, 0, body.byteLength, offset);
	while (cursor.next()) {
		if (cursor.id !== TAG) continue;
		const children = cursor.enter();
		while (children.next()) {
			if (children.id === SIMPLE_TAG) readSimpleTag(children.enter(), children.offset, tags, reading, 1);
		}
	}
	return tags;
}

interface Reading {
	readonly textOf: (start: number, end: number) => string;
	readonly position: Tag['position'];
	/** How many tags there may still be. */
	left: number;
}

function readSimpleTag(
	cursor: ElementCursor,
	offset: number,
	into: Tag[],
	reading: Reading,
	depth: number,
): void {
	if (depth > MAX_TAG_DEPTH) throw malformed(`SimpleTags nested more than ${MAX_TAG_DEPTH} deep`, offset);
	let name = '';
	let value: string | Uint8Array | null = null;
	let others: (string | Uint8Array)[] | null = null;
	let tags: Tag[] | null = null;
	while (cursor.next()) {
		const { id, start, end } = cursor;
		if (id === TAG_NAME) {
			name = names.textOf(cursor.bytes, start, end);
		} else if (id === TAG_STRING || id === TAG_BINARY) {
			const read =
				id === TAG_STRING
					? reading.textOf(start, endOfText(cursor.bytes, start, end))
					: new Uint8Array(viewOf(cursor.bytes, start, end));
			if (value === null) value = read;
			else if (others === null) others = [read];
			else others.push(read);
		} else if (id === SIMPLE_TAG) {
			tags ??= [];
			readSimpleTag(cursor.enter(), cursor.offset, tags, reading, depth + 1);
		}
	}
	reading.left -= 1 + (others?.length ?? 0);
	if (reading.left < 0) throw malformed(`more than ${MAX_TAGS} tags in one element`, offset);
	const { position } = reading;
	into.push({ name, value, tags: tags ?? NO_TAGS, position });
	for (const other of others ?? []) into.push({ name, value: other, tags: NO_TAGS, position });
}
