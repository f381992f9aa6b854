/** What the service gives at one time of a range: an image, or why there is none. */
export class ArchivedImage {
	readonly type = 'image';
	/** The time, on the range's clock. The picture is the one that is shown then. */
	readonly at: Date;
	/** `NO_MEDIA`: nothing is stored of that time. `MEDIA_ERROR`: what is stored gives no picture, as audio alone. */
	readonly error: 'NO_MEDIA' | 'MEDIA_ERROR' | null;
	readonly format: 'jpg' | 'png';
	/** The whole JPEG or PNG; null with an error. Its own bytes. */
	readonly data: Uint8Array | null;

	constructor({ at, error, format, data }: Omit<ArchivedImage, 'type' | 'toJSON'>) {
		this.at = at;
		this.error = error;
		this.format = format;
		this.data = data;
	}

	/** The documented JSON line: `size` in place of `data`. */
	toJSON(): object {
		const { type, at, error, format, data } = this;
		return { type, at, error, format, size: data?.byteLength ?? null };
	}
}
