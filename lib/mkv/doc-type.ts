import { ID } from '../ebml/ebml-schema.js';
import { ElementCursor, endOfText } from '../ebml/element-body.js';
import { malformed } from '../ebml/element-header.js';
import { utf8Of } from '../model/bytes.js';

/** DocType of an EBML header's body without padding; null where it has none. Throws a malformed error where it is broken. */
export function readDocType(body: Uint8Array, offset = 0): string | null {
	let docType: string | null = null;
	const cursor = new ElementCursor(body, 0, body.byteLength, offset);
	while (cursor.next()) {
		if (cursor.id !== ID.DocType) continue;
		const { start, end } = cursor;
		docType = utf8Of(body, start, endOfText(body, start, end)).trimEnd();
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
