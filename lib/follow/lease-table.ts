/** One consumer's hold on a checkpoint, for as long as a lease lasts. */
export interface LeaseClaim {
	/** What the checkpoint is kept under. */
	readonly key: string;
	/** Who claims it: a text that no other claim has. */
	readonly holder: string;
	/** For how long from now on others are refused, in milliseconds; 0 gives the place up. */
	readonly leaseMs: number;
	/** The consumer's own time, epoch milliseconds: for stores that have none. */
	readonly nowMs: number;
	/** Aborted when the result is not waited for any more. */
	readonly signal: AbortSignal;
}

/** What came of a claim: the checkpoint as text, null where there is none; or who has the place, and for how long. */
export type LeaseGrant =
	| { readonly isGranted: true; readonly text: string | null }
	| { readonly isGranted: false; readonly holder: string; readonly leftMs: number };

/**
 * A store of checkpoints, each with the lease of a consumer. Every call is atomic. An `ArchiveError` that it rejects with is
 * final; any other error may pass.
 */
export interface LeaseTable {
	/** Where a checkpoint is, for messages; without credentials. */
	placeOf(key: string): string;
	/** Takes the place, unless the lease of another is running. Who took it last stays noted when the lease is over. */
	take(claim: LeaseClaim): Promise<LeaseGrant>;
	/**
	 * Renews the lease, and writes the checkpoint (null leaves it as it is). Where another has taken the place meanwhile, nothing is
	 * changed, and the result is that holder; else null. Where nothing is stored any more, the claim holds.
	 */
	write(claim: LeaseClaim, text: string | null): Promise<string | null>;
	/** Closes the connections that were made here; another call makes new ones. */
	close(): Promise<void>;
}
