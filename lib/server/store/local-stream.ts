import type { StoredFile, StreamMetadata } from './data-directory.js';
import { FragmentIndex } from './fragment-index.js';

/** The account that the ARNs of the local archive name. */
const ACCOUNT_ID = '123456789012';

/** Ingested media does not expire; ten years are the longest DataRetentionInHours of the service. */
export const RETENTION_HOURS = 87_600;

/** One stream of the local archive, as the operations see it. */
export class LocalStream {
	readonly metadata: StreamMetadata;
	/** `arn:aws:kinesisvideo:REGION:123456789012:stream/NAME/CREATION_MILLIS` */
	readonly arn: string;
	readonly fragments = new FragmentIndex();
	readonly #filesByDigest = new Map<string, StoredFile>();

	constructor(metadata: StreamMetadata, region: string) {
		this.metadata = metadata;
		this.arn = `arn:aws:kinesisvideo:${region}:${ACCOUNT_ID}:stream/${metadata.name}/${metadata.creationMs}`;
	}

	/** Lists a file's fragments, all at once. */
	addFile(file: StoredFile): void {
		this.#filesByDigest.set(file.digest, file);
		this.fragments.add(file.fragments);
	}

	/** The file that was ingested from an input of that SHA-256, if there is one. */
	file(digest: string): StoredFile | undefined {
		return this.#filesByDigest.get(digest);
	}
}
