import { ID } from '../ebml/ebml-schema.js';
import { ElementCursor, readString, viewOf } from '../ebml/element-body.js';
import { malformed } from '../ebml/element-header.js';

/** DocType of an EBML header's body without padding; null where it has none. Throws a malformed error where it is broken. */
export function readDocType(body: Uint8Array, offset = 0): string | null {
	let docType: string | null = null;
	const cursor = new ElementCursor(body, 0, body.byteLength, offset);
	while (cursor.next()) {
		if (cursor.id !== ID.DocType) continue;
		const value = { id: cursor.id, body: viewOf(body, cursor.start, cursor.end), offset: cursor.offset };
		docType = readString(value).trimEnd();
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
