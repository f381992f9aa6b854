import { idOf } from '../ebml/ebml-schema.js';
import { childrenOf, type Element, readUnsignedNumber } from '../ebml/element-body.js';
import { malformed } from '../ebml/element-header.js';
import { MediaError } from '../errors.js';
import { concatBytes } from '../model/bytes.js';
import { counted } from '../wording/counted.js';
import { MAX_CONTENT_ENCODINGS, MAX_INFLATED_BYTES } from './limits.js';

const ENCODING = idOf('ContentEncoding');
const ORDER = idOf('ContentEncodingOrder');
const SCOPE = idOf('ContentEncodingScope');
const TYPE = idOf('ContentEncodingType');
const COMPRESSION = idOf('ContentCompression');
const COMPRESSION_ALGORITHM = idOf('ContentCompAlgo');
const COMPRESSION_SETTINGS = idOf('ContentCompSettings');
const ENCRYPTION = idOf('ContentEncryption');
const ENCRYPTION_ALGORITHM = idOf('ContentEncAlgo');

const BLOCKS = 1;
const CODEC_PRIVATE = 2;
const ENCRYPTED = 1;
const ZLIB = 0;
const HEADER_STRIPPING = 3;
const NOTHING = new Uint8Array(0);

/** Names of ContentCompAlgo (RFC 9559 §5.1.4.1.31.6). */
const compressions = ['zlib', 'bzlib', 'lzo1x', 'header stripping'];

/** Names of ContentEncAlgo (RFC 9559 §5.1.4.1.31.9). */
const encryptions = ['signed only', 'DES', '3DES', 'Twofish', 'Blowfish', 'AES'];

/** Gives the bytes as they were before the container encoded them; `offset` is their place in the payload, for errors. */
export type Undo = (stored: Uint8Array, offset: number) => Uint8Array;

/** How a track's bytes are got back; null where they are stored as they are. */
export interface ContentDecoding {
	/** Of each frame; those of a lace are encoded one by one. */
	readonly frames: Undo | null;
	readonly codecPrivate: Undo | null;
	/** What there is that cannot be undone, by name; null where all can. The functions then are null. */
	readonly unsupported: string | null;
}

interface Encoding {
	readonly order: number;
	readonly scope: number;
	readonly undo: Undo;
}

/**
 * Reads a ContentEncodings element (RFC 9559 §5.1.4.1.31): what was done to a track's frames and CodecPrivate, undone from
 * the highest ContentEncodingOrder to the lowest. Header stripping and zlib are undone. The functions throw a malformed
 * error for bytes that do not inflate, or that inflate to more than {@link MAX_INFLATED_BYTES}.
 */
export function readContentEncodings(element: Element): ContentDecoding {
	const encodings: Encoding[] = [];
	for (const child of childrenOf(element.body, element.offset)) {
		if (child.id !== ENCODING) continue;
		if (encodings.length === MAX_CONTENT_ENCODINGS) {
			throw malformed(`more than ${MAX_CONTENT_ENCODINGS} ContentEncodings`, child.offset);
		}
		const encoding = readEncoding(child);
		if (typeof encoding === 'string') return { frames: null, codecPrivate: null, unsupported: encoding };
		if (encodings.some(({ order }) => order === encoding.order)) {
			throw malformed(`two ContentEncodings of the order ${encoding.order}`, child.offset);
		}
		encodings.push(encoding);
	}
	encodings.sort((a, b) => b.order - a.order);
	return {
		frames: inTurn(encodings, BLOCKS),
		codecPrivate: inTurn(encodings, CODEC_PRIVATE),
		unsupported: null,
	};
}

/** The error of a track whose frames cannot be read. */
export function unsupportedEncoding(trackNumber: number, encoding: string, offset: number): MediaError {
	const message = `track ${trackNumber} is ${encoding}: only the ContentEncodings zlib and header stripping are supported; remux the file without ContentEncodings`;
	return new MediaError('KVS_MEDIA_UNSUPPORTED', message, { offset });
}

/** One ContentEncoding with the defaults of RFC 9559, or the name of one that is not supported. */
function readEncoding(element: Element): Encoding | string {
	let [order, scope, type] = [0, BLOCKS, 0];
	let [algorithm, encryption] = [ZLIB, 0];
	let settings: Uint8Array = NOTHING;
	for (const child of childrenOf(element.body, element.offset)) {
		if (child.id === ORDER) order = readUnsignedNumber(child);
		else if (child.id === SCOPE) scope = readUnsignedNumber(child);
		else if (child.id === TYPE) type = readUnsignedNumber(child);
		else if (child.id === COMPRESSION) {
			for (const detail of childrenOf(child.body, child.offset)) {
				if (detail.id === COMPRESSION_ALGORITHM) algorithm = readUnsignedNumber(detail);
				else if (detail.id === COMPRESSION_SETTINGS) settings = detail.body;
			}
		} else if (child.id === ENCRYPTION) {
			for (const detail of childrenOf(child.body, child.offset)) {
				if (detail.id === ENCRYPTION_ALGORITHM) encryption = readUnsignedNumber(detail);
			}
		}
	}
	if (type === ENCRYPTED) return `encrypted (${encryptions[encryption] ?? `ContentEncAlgo ${encryption}`})`;
	if (type !== 0) return `encoded in an unknown way (ContentEncodingType ${type})`;
	// Bit 4 says that the settings of the next encoding are encoded too, which RFC 9559 advises against.
	if (scope < 1 || scope > 3) return `encoded with ContentEncodingScope ${scope}`;
	if (algorithm === ZLIB) return { order, scope, undo: inflate };
	if (algorithm === HEADER_STRIPPING)
		return { order, scope, undo: (stored) => concatBytes([settings, stored]) };
	return `compressed with ${compressions[algorithm] ?? `ContentCompAlgo ${algorithm}`}`;
}

function inTurn(encodings: readonly Encoding[], scope: number): Undo | null {
	const undoes = encodings.filter((encoding) => (encoding.scope & scope) !== 0).map(({ undo }) => undo);
	if (undoes.length === 0) return null;
	return (stored, offset) => undoes.reduce((bytes, undo) => undo(bytes, offset), stored);
}

function inflate(stored: Uint8Array, offset: number): Uint8Array {
	const zlib = globalThis.process?.getBuiltinModule?.('node:zlib');
	if (zlib === undefined) {
		const message = `zlib-compressed track data at byte ${offset}: supported in Node.js only, not in browsers`;
		throw new MediaError('KVS_MEDIA_UNSUPPORTED', message, { offset });
	}
	try {
		return zlib.inflateSync(stored, { maxOutputLength: MAX_INFLATED_BYTES });
	} catch (error) {
		const { code, message } = error as NodeJS.ErrnoException;
		if (code === 'ERR_BUFFER_TOO_LARGE') {
			throw malformed(`zlib data that inflates to more than ${MAX_INFLATED_BYTES} bytes`, offset);
		}
		throw new MediaError(
			'KVS_MKV_MALFORMED',
			`expected zlib data, got ${counted(stored.byteLength, 'byte')} that do not inflate (${message}) at byte ${offset}`,
			{ offset, cause: error },
		);
	}
}
