import { latin1Of } from './bytes.js';

/** A Matroska SimpleTag. Tags are kept in order and never collapsed: the same name may come twice. */
export interface Tag {
	readonly name: string;
	/** TagString as text without trailing NULs, TagBinary as bytes, null where the tag has neither. */
	readonly value: string | Uint8Array | null;
	/** Nested SimpleTags. */
	readonly tags: readonly Tag[];
	/** Whether it stood before the fragment's first Cluster or after it. */
	readonly position: 'before' | 'after';
}

/** A tag as its documented JSON: bytes in base64. */
export function tagToJSON(tag: Tag): object {
	return {
		name: tag.name,
		value: tag.value instanceof Uint8Array ? toBase64(tag.value) : tag.value,
		tags: tag.tags.map(tagToJSON),
		position: tag.position,
	};
}

/** Bytes as base64 text, the form they have in every JSON line of this package. */
export function toBase64(bytes: Uint8Array): string {
	return btoa(latin1Of(bytes));
}
