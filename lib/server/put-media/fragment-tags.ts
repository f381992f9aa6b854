import { MediaError } from '../../errors.js';
import { readTags } from '../../mkv/tags.js';
import {
	END_OF_FRAGMENT_TAG,
	MAX_FRAGMENT_TAGS,
	MAX_TAG_NAME_BYTES,
	MAX_TAG_VALUE_BYTES,
	RESERVED_TAG_NAMES,
	RESERVED_TAG_PREFIX,
} from '../../model/fragment-limits.js';
import type { Tag } from '../../model/tag.js';
import { PutMediaError } from './put-media-error.js';

/** The tags of one fragment, held to the service's rules. */
export class FragmentTags {
	readonly #all: Tag[] = [];
	/** Nested ones included. */
	#count = 0;

	/** So far, in order. */
	get all(): readonly Tag[] {
		return this.#all;
	}

	/**
	 * Reads the body of a Tags element. Returns whether it says that the fragment is whole. Throws {@link PutMediaError}: 4006
	 * where it cannot be read, 4009 for more or longer tags than a fragment may have, and for names that are the service's own.
	 */
	add(body: Uint8Array, position: Tag['position'], offset: number, timecodeTicks: bigint | null): boolean {
		let isEnd = false;
		for (const tag of readBody(body, position, offset, timecodeTicks)) {
			if (tag.name === END_OF_FRAGMENT_TAG) {
				isEnd = true;
				continue;
			}
			this.#check(tag, timecodeTicks);
			this.#all.push(tag);
		}
		return isEnd;
	}

	#check(tag: Tag, timecodeTicks: bigint | null): void {
		const refuse = (message: string): never => {
			throw new PutMediaError(4009, timecodeTicks, message);
		};
		this.#count++;
		const { name, value } = tag;
		if (this.#count > MAX_FRAGMENT_TAGS) {
			refuse(`expected at most ${MAX_FRAGMENT_TAGS} tags in a fragment, got another one, \`${name}\``);
		}
		const nameBytes = Buffer.byteLength(name);
		if (nameBytes > MAX_TAG_NAME_BYTES) {
			refuse(`expected the name of a tag in at most ${MAX_TAG_NAME_BYTES} bytes, got ${nameBytes}`);
		}
		const valueBytes = value === null ? 0 : Buffer.byteLength(value);
		if (valueBytes > MAX_TAG_VALUE_BYTES) {
			refuse(
				`expected the value of tag \`${name}\` in at most ${MAX_TAG_VALUE_BYTES} bytes, got ${valueBytes}`,
			);
		}
		if (name.startsWith(RESERVED_TAG_PREFIX) && !RESERVED_TAG_NAMES.has(name)) {
			refuse(`the name of tag \`${name}\` begins with ${RESERVED_TAG_PREFIX}, as only the service's own do`);
		}
		for (const nested of tag.tags) this.#check(nested, timecodeTicks);
	}
}

function readBody(
	body: Uint8Array,
	position: Tag['position'],
	offset: number,
	timecodeTicks: bigint | null,
): Tag[] {
	try {
		return readTags(body, position, offset);
	} catch (error) {
		if (!(error instanceof MediaError)) throw error;
		throw new PutMediaError(4006, timecodeTicks, error.message, { cause: error });
	}
}
