import type { Tag } from '../model/tag.js';
import { idOf } from './ebml-schema.js';
import { childrenOf, type Element, readString } from './element-body.js';
import { malformed } from './element-header.js';
import { MAX_TAG_DEPTH, MAX_TAGS } from './limits.js';

const TAG = idOf('Tag');
const SIMPLE_TAG = idOf('SimpleTag');
const TAG_NAME = idOf('TagName');
const TAG_STRING = idOf('TagString');
const TAG_BINARY = idOf('TagBinary');

/**
 * The SimpleTags of a Tags element, in order. Where a SimpleTag has several values, each becomes a tag of that name, so
 * that none is lost.
 */
export function readTags(body: Uint8Array, position: Tag['position'], offset = 0): Tag[] {
	const reading = { position, left: MAX_TAGS };
	const tags: Tag[] = [];
	for (const tag of childrenOf(body, offset)) {
		if (tag.id !== TAG) continue;
		for (const child of childrenOf(tag.body, tag.offset)) {
			if (child.id === SIMPLE_TAG) readSimpleTag(child, tags, reading, 1);
		}
	}
	return tags;
}

function readSimpleTag(
	element: Element,
	into: Tag[],
	reading: { readonly position: Tag['position']; left: number },
	depth: number,
): void {
	if (depth > MAX_TAG_DEPTH)
		throw malformed(`SimpleTags nested more than ${MAX_TAG_DEPTH} deep`, element.offset);
	let name = '';
	const values: (string | Uint8Array)[] = [];
	const tags: Tag[] = [];
	for (const child of childrenOf(element.body, element.offset)) {
		if (child.id === TAG_NAME) name = readString(child).trimEnd();
		else if (child.id === TAG_STRING) values.push(readString(child));
		else if (child.id === TAG_BINARY) values.push(Uint8Array.from(child.body));
		else if (child.id === SIMPLE_TAG) readSimpleTag(child, tags, reading, depth + 1);
	}
	reading.left -= Math.max(1, values.length);
	if (reading.left < 0) throw malformed(`more than ${MAX_TAGS} tags in one element`, element.offset);
	const { position } = reading;
	into.push({ name, value: values[0] ?? null, tags, position });
	for (const value of values.slice(1)) into.push({ name, value, tags: [], position });
}
