# What a bare Debian needs for the study: Python with its venv module. The rest is what run_all.sh does anywhere.
#     docker build --tag lclstudy . && docker run --volume "$PWD/build:/study/build" lclstudy ./run_all.sh
FROM debian:stable-slim
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates python3 python3-venv \
 && rm --recursive --force /var/lib/apt/lists/*
WORKDIR /study
COPY . .
# Sets up, gets WordNet, and tries it: a run needs no network any more.
RUN ./run_all.sh --only 02
CMD ["./run_all.sh"]
