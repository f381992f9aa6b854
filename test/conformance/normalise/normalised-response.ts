/** A value of a normalised response: JSON. */
export type Normalised =
	| string
	| number
	| boolean
	| null
	| readonly Normalised[]
	| { readonly [name: string]: Normalised };

/** A response without anything that differs between archives that behave the same. */
export interface NormalisedResponse {
	readonly status: number;
	/** Those that clients may look at. */
	readonly headers: { readonly [name: string]: string };
	/** The exception's name; null for a success. */
	readonly error: string | null;
	/** Its text. Archives may differ in it. */
	readonly message: string | null;
	/** Members of an error's body, in their order; null for a success. */
	readonly errorMembers: readonly string[] | null;
	/** Null for an error. */
	readonly body: Normalised;
	/** What is worth knowing, and not compared. */
	readonly notes: { readonly [name: string]: Normalised };
}
