//! The digests that a body is held to: the signed hash, `Content-MD5` and `x-amz-checksum-*`.

use data_encoding::{BASE64, HEXLOWER};
use http::HeaderMap;
use ring::digest;
use s3s::checksum::ChecksumHasher;
use s3s::crypto::{Checksum as _, Md5};

use crate::payload::{Payload, single};
use crate::refusal::Refusal;

/// A checksum of the S3 protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    Crc32,
    Crc32c,
    Crc64Nvme,
    Sha1,
    Sha256,
}

impl Algorithm {
    const ALL: [Self; 5] = [Self::Crc32, Self::Crc32c, Self::Crc64Nvme, Self::Sha1, Self::Sha256];

    /// The algorithm that a header or trailer of this name, in any case, carries.
    #[must_use]
    pub fn of_header(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| name.trim().eq_ignore_ascii_case(algorithm.header()))
    }

    /// The header's and trailer's name.
    #[must_use]
    pub const fn header(self) -> &'static str {
        match self {
            Self::Crc32 => "x-amz-checksum-crc32",
            Self::Crc32c => "x-amz-checksum-crc32c",
            Self::Crc64Nvme => "x-amz-checksum-crc64nvme",
            Self::Sha1 => "x-amz-checksum-sha1",
            Self::Sha256 => "x-amz-checksum-sha256",
        }
    }
}

/// The digests wanted of one body, computed while it passes.
pub struct Digests {
    signed: Option<(digest::Context, String)>,
    md5: Option<(Md5, String)>,
    sums: ChecksumHasher,
    wanted: Vec<(Algorithm, String)>,
    trailer: Option<Algorithm>,
}

impl std::fmt::Debug for Digests {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Digests")
            .field("wanted", &self.wanted)
            .field("trailer", &self.trailer)
            .finish_non_exhaustive()
    }
}

impl Digests {
    /// What the head wants of its body; `of_body` says that `x-amz-checksum-*` speak of this body, which
    /// they don't when a multipart upload is completed.
    ///
    /// # Errors
    /// A checksum header sent twice.
    pub fn wanted(headers: &HeaderMap, payload: &Payload, of_body: bool) -> Result<Self, Refusal> {
        let signed = match payload {
            Payload::Sha256(hash) => Some((digest::Context::new(&digest::SHA256), hash.clone())),
            Payload::Unsigned | Payload::UnsignedTrailer { .. } => None,
        };
        let md5 = single(headers, "content-md5")?.map(|wanted| (Md5::new(), wanted.to_owned()));
        let trailer = match payload {
            Payload::UnsignedTrailer { checksum, .. } => Some(*checksum),
            Payload::Sha256(_) | Payload::Unsigned => None,
        };
        let mut digests = Self { signed, md5, sums: ChecksumHasher::default(), wanted: Vec::new(), trailer };
        if of_body {
            for algorithm in Algorithm::ALL {
                if let Some(wanted) = single(headers, algorithm.header())? {
                    digests.wanted.push((algorithm, wanted.to_owned()));
                    digests.compute(algorithm);
                }
            }
        }
        if let Some(algorithm) = trailer {
            digests.compute(algorithm);
        }
        Ok(digests)
    }

    /// Takes in the next bytes of the body, after any framing is off.
    pub fn update(&mut self, bytes: &[u8]) {
        if let Some((context, _)) = &mut self.signed {
            context.update(bytes);
        }
        if let Some((md5, _)) = &mut self.md5 {
            md5.update(bytes);
        }
        self.sums.update(bytes);
    }

    /// Holds the whole body to every digest; `trailers` are what came after the last chunk.
    ///
    /// # Errors
    /// The first digest that differs, or a checksum announced in `x-amz-trailer` that never came.
    pub fn finish(mut self, trailers: &[(String, String)]) -> Result<(), Refusal> {
        if let Some((context, wanted)) = self.signed.take()
            && HEXLOWER.encode(context.finish().as_ref()) != wanted
        {
            return Err(Refusal::PayloadHashMismatch);
        }
        if let Some((md5, wanted)) = self.md5.take()
            && BASE64.encode(md5.finalize().as_ref()) != wanted
        {
            return Err(Refusal::ChecksumMismatch("Content-MD5"));
        }
        self.take_trailer(trailers)?;
        let sums = self.sums.finalize();
        for (algorithm, wanted) in self.wanted {
            let computed = match algorithm {
                Algorithm::Crc32 => &sums.checksum_crc32,
                Algorithm::Crc32c => &sums.checksum_crc32c,
                Algorithm::Crc64Nvme => &sums.checksum_crc64nvme,
                Algorithm::Sha1 => &sums.checksum_sha1,
                Algorithm::Sha256 => &sums.checksum_sha256,
            };
            if computed.as_ref() != Some(&wanted) {
                return Err(Refusal::ChecksumMismatch(algorithm.header()));
            }
        }
        Ok(())
    }

    fn take_trailer(&mut self, trailers: &[(String, String)]) -> Result<(), Refusal> {
        let Some(announced) = self.trailer else { return Ok(()) };
        let mut sent = trailers.iter();
        match (sent.next(), sent.next()) {
            (Some((name, value)), None) if Algorithm::of_header(name) == Some(announced) => {
                self.wanted.push((announced, value.clone()));
                Ok(())
            }
            _ => Err(Refusal::ChunksMalformed("the trailer is not the one that x-amz-trailer announced")),
        }
    }

    fn compute(&mut self, algorithm: Algorithm) {
        match algorithm {
            Algorithm::Crc32 => self.sums.crc32 = Some(s3s::crypto::Crc32::new()),
            Algorithm::Crc32c => self.sums.crc32c = Some(s3s::crypto::Crc32c::new()),
            Algorithm::Crc64Nvme => self.sums.crc64nvme = Some(s3s::crypto::Crc64Nvme::new()),
            Algorithm::Sha1 => self.sums.sha1 = Some(s3s::crypto::Sha1::new()),
            Algorithm::Sha256 => self.sums.sha256 = Some(s3s::crypto::Sha256::new()),
        }
    }
}
