/** What the parts of a row of the timeline report. */
export interface RowEvents {
	/** More is known, and to be drawn. */
	readonly onChange: () => void;
	/** A request succeeded: what failed before may do so again. */
	readonly onSuccess: () => void;
	/** A request failed. */
	readonly onError: (error: unknown) => void;
}
