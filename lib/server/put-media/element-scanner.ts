import { viewOf } from '../../ebml/element-body.js';
import {
	type ElementHeader,
	MAX_ELEMENT_HEADER_BYTES,
	readElementHeader,
} from '../../ebml/element-header.js';
import { MediaError } from '../../errors.js';
import { GrowingBytes } from './growing-bytes.js';

/** What becomes of an element's body: its children are elements too. */
export const ENTER = -2;

/** What becomes of an element's body: it passes unread. */
export const PASS = -1;

/** What {@link ElementScanner} asks and reports, synchronously, in the order of the bytes. */
export interface ElementVisitor {
	/**
	 * An element's header has been read; `sizeBytes` is -1 for an unknown size. Returns what becomes of its body: {@link ENTER},
	 * {@link PASS}, or how many of its first bytes are read: {@link body} is called with them.
	 */
	element(id: number, sizeBytes: number, offset: number, bodyOffset: number): number;
	/** The first bytes of the body of the element that was last reported: `bytes` from `start` to `end`, not kept. */
	body(bytes: Uint8Array, start: number, end: number): void;
	/** What comes next is not an element; throws. */
	notAnElement(error: MediaError): never;
	/**
	 * The next bytes, all of them, verbatim: a view of the chunk, or a copy of a few. They come late, so that many elements come at
	 * once, but never before {@link element} was called for what they begin with; {@link ElementScanner.deliver} brings them.
	 */
	bytes(bytes: Uint8Array): void;
}

const NOTHING = new Uint8Array(0);

/**
 * Finds the elements of EBML in chunks, cut anywhere, and passes their bytes through. Bodies are not held, but for the first
 * bytes that the visitor wants to read and that are not in one chunk.
 *
 * Its states: a header of up to 12 bytes that is carried over a border between chunks; the first bytes of a body that are
 * gathered; a body that passes; none, then a header comes next.
 */
export class ElementScanner {
	readonly #visitor: ElementVisitor;
	#chunk: Uint8Array = NOTHING;
	/** Offset of the first byte of the chunk. */
	#base = 0;
	/** Where in the chunk reading goes on. */
	#position = 0;
	/** Up to where in the chunk the visitor has the bytes. */
	#delivered = 0;
	readonly #header: ElementHeader = { id: 0, size: 0, length: 0 };
	readonly #carry = new Uint8Array(MAX_ELEMENT_HEADER_BYTES);
	#carried = 0;
	#bodyLeft = 0;
	#isReading = false;
	#toRead = 0;
	readonly #gathered = new GrowingBytes();

	constructor(visitor: ElementVisitor) {
		this.#visitor = visitor;
	}

	/** Where the next element begins, or the body goes on. */
	get offset(): number {
		return this.#base + this.#position - this.#carried;
	}

	/** Whether the bytes so far end inside an element's body. */
	get isInBody(): boolean {
		return this.#bodyLeft > 0;
	}

	/** Whether the bytes so far end inside an element's header. */
	get isInHeader(): boolean {
		return this.#carried > 0;
	}

	/** The next bytes. Not kept. Throws what the visitor throws; after that the scanner is of no use. */
	write(chunk: Uint8Array): void {
		this.#chunk = chunk;
		this.#position = 0;
		this.#delivered = 0;
		while (this.#position < chunk.byteLength) {
			if (this.#isReading) this.#readBody();
			else if (this.#bodyLeft > 0) this.#passBody();
			else this.#readHeader();
		}
		this.deliver();
		this.#base += chunk.byteLength;
		this.#position = 0;
		this.#delivered = 0;
		this.#chunk = NOTHING;
	}

	/** Gives the visitor all bytes up to here: when it is asked about an element, those before it. */
	deliver(): void {
		if (this.#position === this.#delivered) return;
		const bytes = viewOf(this.#chunk, this.#delivered, this.#position);
		this.#delivered = this.#position;
		this.#visitor.bytes(bytes);
	}

	#passBody(): void {
		const taken = Math.min(this.#bodyLeft, this.#chunk.byteLength - this.#position);
		this.#position += taken;
		this.#bodyLeft -= taken;
	}

	#readBody(): void {
		const start = this.#position;
		const taken = Math.min(this.#toRead, this.#chunk.byteLength - start);
		this.#position += taken;
		this.#bodyLeft -= taken;
		this.#toRead -= taken;
		this.#isReading = this.#toRead > 0;
		if (!this.#isReading && this.#gathered.sizeBytes === 0) {
			this.#visitor.body(this.#chunk, start, start + taken);
			return;
		}
		this.#gathered.append(viewOf(this.#chunk, start, start + taken));
		if (this.#isReading) return;
		const bytes = this.#gathered.take();
		this.#visitor.body(bytes, 0, bytes.byteLength);
	}

	#readHeader(): void {
		const [chunk, position, carried] = [this.#chunk, this.#position, this.#carried];
		const end = chunk.byteLength;
		const offset = this.#base + position - carried;
		if (carried === 0) {
			if (this.#parseHeader(chunk, position, end, offset)) {
				this.#enter(position + this.#header.length, offset);
				return;
			}
			this.deliver();
			this.#carry.set(viewOf(chunk, position, end));
			this.#carried = end - position;
		} else {
			const taken = Math.min(MAX_ELEMENT_HEADER_BYTES - carried, end - position);
			this.#carry.set(viewOf(chunk, position, position + taken), carried);
			if (this.#parseHeader(this.#carry, 0, carried + taken, offset)) {
				this.#enter(position + this.#header.length - carried, offset);
				return;
			}
			this.#carried += taken;
		}
		this.#position = end;
		this.#delivered = end;
	}

	#parseHeader(bytes: Uint8Array, position: number, end: number, offset: number): boolean {
		try {
			return readElementHeader(bytes, position, end, this.#header, offset - position);
		} catch (error) {
			if (error instanceof MediaError) this.#visitor.notAnElement(error);
			throw error;
		}
	}

	/** A header has been read, whose body begins at `position`. */
	#enter(position: number, offset: number): void {
		const { id, size, length } = this.#header;
		const toRead = this.#visitor.element(id, size, offset, offset + length);
		this.#position = position;
		if (this.#carried > 0) {
			this.#carried = 0;
			this.#delivered = position;
			this.#visitor.bytes(this.#carry.slice(0, length));
		}
		if (toRead === ENTER) return;
		this.#bodyLeft = size;
		if (toRead === PASS) return;
		this.#toRead = toRead;
		this.#isReading = toRead > 0;
		if (toRead === 0) this.#visitor.body(NOTHING, 0, 0);
	}
}
