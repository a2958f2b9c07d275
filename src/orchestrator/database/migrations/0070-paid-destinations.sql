-- Destinations that something signed pays, each once: what policies ask of a first use and of look-alikes. It begins empty,
-- since it only guesses what the signer will say, which knows all that it ever signed.
CREATE TABLE paid_destinations (
  chain TEXT NOT NULL,
  address TEXT NOT NULL,
  look TEXT NOT NULL,
  signed_at_ms BIGINT NOT NULL,
  PRIMARY KEY (chain, address)
);
CREATE INDEX paid_destinations_by_look ON paid_destinations (chain, look, signed_at_ms);
