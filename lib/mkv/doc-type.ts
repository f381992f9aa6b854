import { ID } from './ebml-schema.js';
import { childrenOf, readString } from './element-body.js';
import { malformed } from './element-header.js';

/** DocType of an EBML header's body without padding; null where it has none. Throws a malformed error where it is broken. */
export function readDocType(body: Uint8Array, offset = 0): string | null {
	let docType: string | null = null;
	for (const element of childrenOf(body, offset)) {
		if (element.id === ID.DocType) docType = readString(element).trimEnd();
	}
	return docType;
}

/** Whether this package reads documents of that type: Matroska, and WebM, which is a part of it. */
export function isMatroskaDocType(docType: string | null): boolean {
	return docType === 'matroska' || docType === 'webm';
}

/** Throws a malformed error for the EBML header of anything but Matroska or WebM. One without a DocType is let pass. */
export function checkDocType(body: Uint8Array, offset: number): void {
	const docType = readDocType(body, offset);
	if (docType !== null && !isMatroskaDocType(docType)) {
		throw malformed(`expected a document of type matroska or webm, got \`${docType}\``, offset);
	}
}
